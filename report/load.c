/* SPDX-License-Identifier: MIT */
#include "load.h"
#include "input.h"
#include "json_read.h"
#include "load_parts.h"
#include "memory.h"

#include <memprof/format.h>

#include <stdlib.h>
#include <string.h>

/* Names the document that this is not, or the version that is not known here. */
static int check_format(struct json_reader *r, json_t *root)
{
    if (!json_is_object(root))
        return error_set(r->error, "is not a memprof dump: line 1, expected one JSON object");
    const char *format = json_read_string(r, root, "format", JSON_REQUIRED);
    if (!format)
        return error_set(r->error, "is not a memprof dump");
    if (strcmp(format, MEMPROF_FORMAT_NAME) != 0)
        return json_read_refuse(r, "format", json_object_get(root, "format"),
                                "\"" MEMPROF_FORMAT_NAME "\"");
    uint64_t version = json_read_count(r, root, "version", JSON_REQUIRED);
    if (!r->error->text[0] && version != MEMPROF_FORMAT_VERSION)
        return error_set(r->error,
                         "version is %llu, which this memprof-report does not know, expected "
                         "version %d",
                         (unsigned long long)version, MEMPROF_FORMAT_VERSION);
    return r->error->text[0] ? -1 : 0;
}

static void enter(struct json_reader *r, const char *list)
{
    r->list = list;
    r->index = JSON_NO_INDEX;
}

static int load_process(struct json_reader *r, json_t *root, struct dump *dump)
{
    struct dump_process *p = &dump->process;
    enter(r, NULL);
    json_t *o = json_read_object(r, root, "process", JSON_REQUIRED);
    enter(r, "process");
    p->pid = json_read_count(r, o, "pid", JSON_REQUIRED);
    p->ppid = json_read_count(r, o, "ppid", JSON_OPTIONAL);
    p->exe = json_read_string(r, o, "exe", JSON_REQUIRED);
    p->cwd = json_read_string(r, o, "cwd", JSON_OPTIONAL);
    p->hostname = json_read_string(r, o, "hostname", JSON_OPTIONAL);
    p->start_time = json_read_string(r, o, "start_time", JSON_OPTIONAL);
    p->arch = json_read_string(r, o, "arch", JSON_OPTIONAL);
    p->allocator = json_read_string(r, o, "allocator", JSON_OPTIONAL);
    json_t *parent = json_read_object(r, o, "parent", JSON_OPTIONAL);
    json_t *argv = json_read_array(r, o, "argv", JSON_OPTIONAL);
    enter(r, "process.parent");
    p->parent_pid = json_read_count(r, parent, "pid", JSON_OPTIONAL);
    p->argv = pool_zero(dump->storage, json_array_size(argv), sizeof *p->argv);
    enter(r, "process.argv");
    for (; p->nargv < json_array_size(argv); p->nargv++) {
        json_t *word = json_array_get(argv, p->nargv);
        r->index = p->nargv;
        if (!json_is_string(word))
            return json_read_refuse(r, NULL, word, "a string");
        p->argv[p->nargv] = pool_intern(dump->storage, json_string_value(word));
    }
    return r->error->text[0] ? -1 : 0;
}

static int load_head(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    dump->producer = json_read_string(r, root, "producer", JSON_OPTIONAL);
    json_t *o = json_read_object(r, root, "dump", JSON_REQUIRED);
    json_t *mode = json_read_object(r, root, "mode", JSON_REQUIRED);
    enter(r, "dump");
    dump->reason = json_read_string(r, o, "reason", JSON_REQUIRED);
    dump->sequence = json_read_count(r, o, "sequence", JSON_OPTIONAL);
    dump->elapsed_ns = json_read_count(r, o, "elapsed_ns", JSON_OPTIONAL);
    dump->complete = json_read_bool(r, o, "complete", JSON_REQUIRED);
    enter(r, "mode");
    const char *kind = json_read_string(r, mode, "kind", JSON_REQUIRED);
    if (!kind)
        return -1;
    if (strcmp(kind, "sampled") == 0) {
        dump->sample_mean_bytes = json_read_count(r, mode, "mean_bytes", JSON_REQUIRED);
        if (dump->sample_mean_bytes == 0)
            return json_read_refuse(r, "mean_bytes", json_object_get(mode, "mean_bytes"),
                                    "a size above 0");
    } else if (strcmp(kind, "exact") != 0) {
        return json_read_refuse(r, "kind", json_object_get(mode, "kind"),
                                "\"exact\" or \"sampled\"");
    }
    return r->error->text[0] ? -1 : 0;
}

static int load_totals(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *o = json_read_object(r, root, "totals", JSON_REQUIRED);
    json_t *memory = json_read_object(r, root, "memory", JSON_OPTIONAL);
    json_t *inherited = json_read_object(r, root, "inherited", JSON_OPTIONAL);
    enter(r, "totals");
#define X(name) dump->totals.c.name = json_read_count(r, o, #name, JSON_REQUIRED);
    DUMP_COUNTERS(X)
#undef X
#define X(name) dump->totals.name = json_read_count(r, o, #name, JSON_REQUIRED);
    DUMP_TOTALS(X)
#undef X
    enter(r, "memory");
    dump->rss_bytes = json_read_count(r, memory, "rss_bytes", JSON_OPTIONAL);
    dump->peak_rss_bytes = json_read_count(r, memory, "peak_rss_bytes", JSON_OPTIONAL);
    dump->profiler_bytes = json_read_count(r, memory, "profiler_bytes", JSON_OPTIONAL);
    enter(r, "inherited");
    dump->inherited_count = json_read_count(r, inherited, "live_count", JSON_OPTIONAL);
    dump->inherited_bytes = json_read_count(r, inherited, "live_bytes", JSON_OPTIONAL);
    dump->inherited_free_count = json_read_count(r, inherited, "free_count", JSON_OPTIONAL);
    return r->error->text[0] ? -1 : 0;
}

static int load_coverage(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *coverage = json_read_object(r, root, "coverage", JSON_OPTIONAL);
    enter(r, "coverage");
    dump->coverage_percent = json_read_number(r, coverage, "percent", -1);
    dump->has_coverage = dump->coverage_percent >= 0;
    json_t *list = json_read_array(r, coverage, "warnings", JSON_OPTIONAL);
    enter(r, "coverage.warnings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_read_element(r, list, i);
        const char *code = json_read_string(r, o, "code", JSON_REQUIRED);
        const char *text = json_read_string(r, o, "text", JSON_REQUIRED);
        if (!code || !text)
            return -1;
        load_warn(dump, code, text);
    }
    return r->error->text[0] ? -1 : 0;
}

static int load_settings(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *settings = json_read_object(r, root, "settings", JSON_OPTIONAL);
    enter(r, "settings");
    const char *check = json_read_string(r, settings, "leak_check", JSON_OPTIONAL);
    dump->leaks_unwanted = check && strcmp(check, "none") == 0;
    return r->error->text[0] ? -1 : 0;
}

static int load_threads(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *list = json_read_array(r, root, "threads", JSON_OPTIONAL);
    enter(r, "threads");
    dump->nthreads = json_array_size(list);
    dump->threads = pool_zero(dump->storage, dump->nthreads, sizeof *dump->threads);
    for (size_t i = 0; i < dump->nthreads; i++) {
        json_t *o = json_read_element(r, list, i);
        struct dump_thread *t = &dump->threads[i];
        t->tid = json_read_count(r, o, "tid", JSON_REQUIRED);
        t->name = json_read_string(r, o, "name", JSON_OPTIONAL);
        t->alloc_count = json_read_count(r, o, "alloc_count", JSON_OPTIONAL);
        t->alloc_bytes = json_read_count(r, o, "alloc_bytes", JSON_OPTIONAL);
        t->free_count = json_read_count(r, o, "free_count", JSON_OPTIONAL);
        if (r->error->text[0])
            return -1;
    }
    return 0;
}

static int load_timeline(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *timeline = json_read_object(r, root, "timeline", JSON_OPTIONAL);
    enter(r, "timeline");
    json_t *rows = json_read_array(r, timeline, "rows", JSON_OPTIONAL);
    enter(r, "timeline.rows");
    dump->ntimeline = json_array_size(rows);
    dump->timeline = pool_zero(dump->storage, dump->ntimeline, sizeof *dump->timeline);
    for (size_t i = 0; i < dump->ntimeline; i++) {
        json_t *row = json_array_get(rows, i);
        uint64_t value[4];
        r->index = i;
        for (size_t k = 0; k < 4; k++) {
            json_t *number = json_array_get(row, k);
            if (!json_is_integer(number) || json_integer_value(number) < 0)
                return json_read_refuse(r, NULL, row, "4 non-negative integers");
            value[k] = (uint64_t)json_integer_value(number);
        }
        dump->timeline[i] = (struct dump_timeline_row){value[0], value[1], value[2], value[3]};
    }
    return r->error->text[0] ? -1 : 0;
}

static int load_leaks(struct json_reader *r, json_t *root, struct dump *dump)
{
    enter(r, NULL);
    json_t *leaks = json_read_object(r, root, "leaks", JSON_OPTIONAL);
    if (!leaks)
        return r->error->text[0] ? -1 : 0;
    enter(r, "leaks");
    dump->leaks.method = json_read_string(r, leaks, "method", JSON_REQUIRED);
    json_t *kinds = json_read_object(r, leaks, "kinds", JSON_OPTIONAL);
    dump->leaks.classified = json_object_size(kinds) > 0;
#define X(name)                                                                                    \
    {                                                                                              \
        enter(r, "leaks.kinds");                                                                   \
        json_t *kind = json_read_object(r, kinds, #name, JSON_OPTIONAL);                           \
        enter(r, "leaks.kinds." #name);                                                            \
        dump->leaks.name##_bytes = json_read_count(r, kind, "bytes", JSON_OPTIONAL);               \
        dump->leaks.name##_count = json_read_count(r, kind, "count", JSON_OPTIONAL);               \
    }
    DUMP_LEAK_KINDS(X)
#undef X
    return r->error->text[0] ? -1 : 0;
}

static int load_document(json_t *root, struct dump *dump, struct error *error)
{
    struct json_reader r = {error, dump->storage, NULL, JSON_NO_INDEX};
    static int (*const parts[])(struct json_reader *, json_t *, struct dump *) = {
        load_process,  load_head,  load_totals,  load_coverage,    load_settings, load_threads,
        load_timeline, load_leaks, load_modules, load_interpreted, load_frames,   load_sites};
    if (check_format(&r, root))
        return -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i](&r, root, dump))
            return -1;
    load_check_sums(dump, root);
    return 0;
}

/* What jansson could not read, with its position. */
static void refuse_syntax(const json_error_t *e, struct error *error)
{
    if (json_error_code(e) == json_error_out_of_memory)
        error_set(error, "out of memory");
    else if (json_error_code(e) == json_error_premature_end_of_input)
        error_set(error,
                  "line %d, column %d: the file ends too early, expected a whole memprof dump",
                  e->line, e->column);
    else
        error_set(error, "line %d, column %d: not JSON: %s", e->line, e->column, e->text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct dump *load_bytes(const char *path, const char *data, size_t size, struct error *error)
{
    json_error_t trouble;
    size_t blank = 0;
    while (blank < size && is_blank(data[blank]))
        blank++;
    if (blank == size) {
        error_set(error, "is empty, expected a memprof dump");
        return NULL;
    }
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &trouble);
    if (!root) {
        refuse_syntax(&trouble, error);
        return NULL;
    }
    struct dump *dump = mem_zero(1, sizeof *dump);
    dump->path = path;
    dump->storage = pool_new();
    int result = load_document(root, dump, error);
    json_decref(root);
    if (result) {
        load_free(dump);
        return NULL;
    }
    return dump;
}

struct dump *load_file(const char *path, struct error *error)
{
    char *data = NULL;
    size_t size = 0;
    if (input_read(path, &data, &size, error))
        return NULL;
    struct dump *dump = load_bytes(path, data, size, error);
    free(data);
    return dump;
}

void load_free(struct dump *dump)
{
    if (!dump)
        return;
    free(dump->warnings);
    pool_free(dump->storage);
    free(dump);
}
