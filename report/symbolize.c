/* SPDX-License-Identifier: MIT */
#include "symbolize.h"

#include "debug_object.h"
#include "dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* A file and version of it; several mappings and dumps share one. Both strings are interned. */
struct object_key {
    const char *path;
    const char *build_id; /* "" if it was not recorded */
    uintptr_t names_only; /* so wide that there is no padding */
};

struct object {
    struct object_key key;
    struct debug_object debug;
    UT_hash_handle hh;
};

struct answer_key {
    const struct object *object;
    uint64_t address;
};

struct answer {
    struct answer_key key;
    UT_hash_handle hh;
    size_t n;
    struct symbol frames[];
};

struct symbolizer {
    struct debug_search search, quiet; /* the same, but for warnings */
    struct debuginfod debuginfod;
    bool demangle;
    bool (*names_only)(const char *path); /* NULL: no module */
    struct intern *strings;
    struct object *objects;
    struct answer *answers;
    bool warned_age;
    struct symbol unknown; /* the answer without memory */
};

struct symbolizer *symbolizer_new(const struct symbolize_options *options)
{
    struct symbolizer *s = calloc(1, sizeof *s);
    if (!s || !(s->strings = intern_new())) {
        free(s);
        return NULL;
    }
    s->debuginfod.budget_ms = 1000ul * options->debuginfod_budget;
    s->search = (struct debug_search){.roots = options->debug_roots,
                                      .nroots = options->ndebug_roots,
                                      .directory = options->directory,
                                      .debuginfod = options->debuginfod ? &s->debuginfod : NULL,
                                      .warn = options->warn,
                                      .warn_arg = options->warn_arg};
    s->quiet = s->search;
    s->quiet.warn = NULL;
    s->demangle = options->demangle;
    s->unknown = (struct symbol){.function = "0x0", .module = ""};
    return s;
}

void symbolizer_names_only(struct symbolizer *s, bool (*is)(const char *path))
{
    s->names_only = is;
}

void symbolizer_free(struct symbolizer *s)
{
    if (!s)
        return;
    struct answer *a = s->answers;
    HASH_CLEAR(hh, s->answers); /* leaves the entries, and their links */
    for (struct answer *next; a; a = next) {
        next = a->hh.next;
        free(a);
    }
    struct object *o = s->objects;
    HASH_CLEAR(hh, s->objects); /* leaves the entries, and their links */
    for (struct object *next; o; o = next) {
        next = o->hh.next;
        debug_object_close(&o->debug);
        free(o);
    }
    intern_free(s->strings);
    free(s);
}

static struct object *object_get(struct symbolizer *s, const struct dump_module *module)
{
    const char *path = module->path ? module->path : "";
    bool names_only = s->names_only && s->names_only(path);
    struct object_key key = {
        intern_string(s->strings, path),
        intern_string(s->strings, module->build_id ? module->build_id : ""),
        names_only,
    };
    if (!key.path || !key.build_id)
        return NULL;
    struct object *o = NULL;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): by bytes */
    HASH_FIND(hh, s->objects, &key, sizeof key, o);
    if (o)
        return o;
    o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->key = key;
    debug_object_open(&o->debug, names_only ? &s->quiet : &s->search, s->strings, s->demangle,
                      key.path, key.build_id[0] ? key.build_id : NULL, names_only);
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): by bytes */
    HASH_ADD(hh, s->objects, key, sizeof key, o);
    if (o->hh.tbl)
        return o;
    debug_object_close(&o->debug);
    free(o);
    return NULL;
}

static struct answer *find_answer(struct symbolizer *s, struct object *object, uint64_t address)
{
    struct answer_key key = {object, address};
    struct answer *a = NULL;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): by bytes */
    HASH_FIND(hh, s->answers, &key, sizeof key, a);
    if (a)
        return a;
    struct symbol frames[OBJECT_MAX_FRAMES];
    size_t n = debug_object_frames(&object->debug, address, frames);
    for (size_t i = 0; i < n; i++)
        if (!frames[i].function)
            frames[i].function = s->unknown.function;
    a = calloc(1, sizeof *a + n * sizeof *a->frames);
    if (!a)
        return NULL;
    a->key = key;
    a->n = n;
    memcpy(a->frames, frames, n * sizeof *frames);
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): by bytes */
    HASH_ADD(hh, s->answers, key, sizeof key, a);
    if (a->hh.tbl)
        return a;
    free(a);
    return NULL;
}

size_t symbolizer_lookup(struct symbolizer *s, const struct dump_module *module, uint64_t address,
                         const struct symbol **out)
{
    struct object *object = object_get(s, module);
    struct answer *a = object ? find_answer(s, object, address) : NULL;
    *out = a ? a->frames : &s->unknown;
    return a ? a->n : 1;
}

void symbolizer_compare_age(struct symbolizer *s, const struct dump_module *module,
                            const char *file, int64_t changed)
{
    int64_t built;
    struct object *object = s->warned_age ? NULL : object_get(s, module);
    if (!object || !debug_object_age(&object->debug, &built) || changed <= built)
        return;
    s->warned_age = true;
    char *message;
    if (!s->search.warn || asprintf(&message, "'%s': is newer than '%s'; lines may not match", file,
                                    object->key.path) < 0)
        return;
    s->search.warn(s->search.warn_arg, message);
    free(message);
}

bool symbolizer_frame_span(struct symbolizer *s, const struct dump_module *module, uint64_t address,
                           size_t frame, struct function_span *span)
{
    struct object *object = object_get(s, module);
    return object && debug_object_span(&object->debug, address, frame, span);
}

bool symbolizer_function_span(struct symbolizer *s, const struct dump_module *module,
                              uint64_t address, const char *file, uint32_t line,
                              struct function_span *span)
{
    const struct symbol *frames;
    size_t n = symbolizer_lookup(s, module, address, &frames);
    for (size_t i = 0; i < n; i++)
        if (frames[i].line == line && frames[i].file && strcmp(frames[i].file, file) == 0 &&
            symbolizer_frame_span(s, module, address, i, span) && strcmp(span->file, file) == 0)
            return true;
    return false;
}
