/* SPDX-License-Identifier: MIT
 *
 * The stacks of a model as identities: what is left out of them, and why.
 */
#include "function_name.h"
#include "identity.h"
#include "memory.h"
#include "pathname.h"

#include <stdlib.h>
#include <string.h>

#define C_LIBRARY "libc" /* all of its modules: what is in which differs by version and machine */
#define NOT_ASKED (IDENTITY_NO_FRAME - 1)

struct walk {
    struct identities *t;
    const struct model *m;
    uint32_t *frame_of; /* by place: IDENTITY_NO_FRAME, NOT_ASKED or its frame */
    bool *has_main;     /* by frame of the dump */
};

/* Whether BASE, a module's base name, is that of the library STEM: `libc.so.6`, `libc-2.31.so`,
 * `libc.so`. */
static bool is_library(const char *base, const char *stem)
{
    size_t n = strlen(stem);
    return strncmp(base, stem, n) == 0 &&
           (strncmp(base + n, ".so", 3) == 0 || (base[n] == '-' && strstr(base + n, ".so")));
}

/* The C library, the loader and what the kernel maps: what they are made of is their own affair. */
bool identity_is_c_library(const char *path)
{
    const char *base = pathname_base(path);
    static const char *const stems[] = {"libc", "libpthread", "ld", "libmemprof", NULL};
    for (const char *const *stem = stems; *stem; stem++)
        if (is_library(base, *stem))
            return true;
    return strncmp(base, "ld-linux", 8) == 0 || strncmp(base, "ld-musl", 7) == 0 ||
           strncmp(base, "[vdso", 5) == 0;
}

/* Code that comes with the compiler, which updates change: its functions are known, its lines are
 * not. */
bool identity_is_of_the_system(const struct place *p)
{
    const char *base = p->module ? pathname_base(p->module) : NULL;
    static const char *const stems[] = {"libstdc++", "libc++", "libc++abi", "libgcc_s", NULL};
    for (const char *const *stem = stems; base && *stem; stem++)
        if (is_library(base, *stem))
            return true;
    return p->file && (strncmp(p->file, "/usr/include/", 13) == 0 ||
                       strncmp(p->file, "/usr/lib/", 9) == 0 || strstr(p->file, "/include/c++/"));
}

/* "libfoo.so" of "/usr/lib/libfoo.so.1.2": the version is no part of a name. Malloc'd. */
static char *module_name(const char *path)
{
    char *name = mem_strdup(pathname_base(path));
    char *version = strstr(name, ".so.");
    if (version)
        version[3] = '\0';
    for (char *at = name;
         (at = strchr(at, '`'));) /* a baseline has one between module and function */
        *at = '\'';
    return name;
}

/* Without a symbol the name of a function is but its address. */
static bool is_address(const struct place *p)
{
    return !p->linkage && !p->file && strncmp(p->function, "0x", 2) == 0;
}

static int32_t line_of(const struct place *p)
{
    if (!p->file || !p->line || !p->function_line || identity_is_of_the_system(p))
        return IDENTITY_NO_LINE;
    int64_t distance = (int64_t)p->line - p->function_line;
    return distance > INT32_MIN && distance <= INT32_MAX ? (int32_t)distance : IDENTITY_NO_LINE;
}

/* What a baseline says of FUNCTION must be read as the same: no number at its end is a line. */
static const char *without_number(char *function)
{
    char *plus = strrchr(function, '+');
    const char *digits = plus ? plus + 1 + (plus[1] == '-') : "";
    if (*digits && digits[strspn(digits, "0123456789")] == '\0')
        *plus = ' ';
    return *function ? function : NULL;
}

uint32_t identities_frame_of_place(struct identities *t, const struct place *p)
{
    char *module = p->module ? module_name(p->module) : NULL;
    uint32_t frame;
    if (module && identity_is_c_library(module)) {
        frame = identities_frame(t, C_LIBRARY, NULL, IDENTITY_NO_LINE);
    } else if (model_is_operator_new(p)) {
        frame = IDENTITY_NO_FRAME;
    } else {
        char *function = is_address(p) ? NULL : function_name_plain(p->function);
        frame = identities_frame(t, module && *module ? module : NULL,
                                 function ? without_number(function) : NULL, line_of(p));
        free(function);
    }
    free(module);
    return frame;
}

static uint32_t frame_of(struct walk *w, uint32_t place)
{
    if (w->frame_of[place] == NOT_ASKED)
        w->frame_of[place] = identities_frame_of_place(w->t, &w->m->places[place]);
    return w->frame_of[place];
}

/* The part of a function that was split off it: its caller is the rest of that function. */
static bool is_part(const struct place *p)
{
    return p->linkage && strstr(p->linkage, ".part.");
}

/* What is outside of main, and the beginning of threads, is the C library's. */
static bool is_start(const struct identity_frame *f)
{
    return (f->module && strcmp(f->module, C_LIBRARY) == 0) ||
           (f->function && strcmp(f->function, "_start") == 0) || !f->module;
}

/* NODE, and PLACE called from it; *HAS_MAIN: main is on the stack. */
static uint32_t step(struct walk *w, uint32_t node, uint32_t place, bool *has_main)
{
    uint32_t frame = frame_of(w, place);
    if (frame == IDENTITY_NO_FRAME)
        return node;
    const struct identity_frame *f = identities_frame_at(w->t, frame);
    if (!*has_main && f->function && strcmp(f->function, "main") == 0) {
        *has_main = true;
        node = IDENTITY_ROOT;
    }
    if (node == IDENTITY_ROOT)
        return is_start(f) ? node : identities_push(w->t, node, frame);
    const struct identity_frame *caller = identities_innermost(w->t, node);
    if (f->call == caller->call && !f->function)
        return node;
    if (f->call == caller->call && is_part(&w->m->places[place]))
        node = identities_node_at(w->t, node)->parent;
    return identities_push(w->t, node, frame);
}

/* A stack in which nothing counts, such as the loader's own: known by where it ends. */
static uint32_t push_lone(struct walk *w, uint32_t f)
{
    struct model_refs refs = model_refs(w->m, f);
    uint32_t frame =
        refs.first < refs.end ? frame_of(w, w->m->refs[refs.first].place) : IDENTITY_NO_FRAME;
    if (frame == IDENTITY_NO_FRAME)
        frame = identities_frame(w->t, NULL, NULL, IDENTITY_NO_LINE);
    return identities_push(w->t, IDENTITY_ROOT, frame);
}

/* Marks the callers of what is wanted, too. */
static bool *with_callers(const struct dump *dump, const bool *wanted)
{
    bool *needed = mem_alloc(dump->nframes * sizeof *needed);
    memcpy(needed, wanted, dump->nframes * sizeof *needed);
    for (size_t f = dump->nframes; f-- > 1;)
        if (needed[f])
            needed[dump->frames[f].parent] = true;
    return needed;
}

uint32_t *identities_of_model(struct identities *t, const struct model *m, const bool *wanted)
{
    size_t n = m->dump->nframes;
    struct walk w = {.t = t,
                     .m = m,
                     .frame_of = mem_alloc(m->nplaces * sizeof *w.frame_of),
                     .has_main = mem_zero(n, sizeof *w.has_main)};
    uint32_t *nodes = mem_zero(n, sizeof *nodes);
    bool *needed = with_callers(m->dump, wanted);
    for (size_t i = 0; i < m->nplaces; i++)
        w.frame_of[i] = NOT_ASKED;
    for (size_t f = 1; f < n; f++) { /* parents come first */
        uint32_t parent = m->dump->frames[f].parent, node = nodes[parent];
        struct model_refs refs = model_refs(m, (uint32_t)f);
        bool has_main = w.has_main[parent];
        for (uint32_t i = refs.end; needed[f] && i-- > refs.first;)
            node = step(&w, node, m->refs[i].place, &has_main);
        nodes[f] = node;
        w.has_main[f] = has_main;
    }
    for (size_t f = 0; f < n; f++)
        if (wanted[f] && nodes[f] == IDENTITY_ROOT)
            nodes[f] = push_lone(&w, (uint32_t)f);
        else if (!wanted[f])
            nodes[f] = IDENTITY_ROOT;
    free(needed);
    free(w.has_main);
    free(w.frame_of);
    return nodes;
}
