/* SPDX-License-Identifier: MIT
 *
 * The parts of a dump that are small.
 */
#include "load_parts.h"
#include "memory.h"

#include <memprof/format.h>

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

void load_enter(struct loader *l, const char *list)
{
    l->r.list = list;
    l->r.index = JSON_NO_INDEX;
}

int load_begin(struct loader *l, const char *key, char open, enum json_need need)
{
    int c = json_stream_peek(l->stream);
    if (c == open)
        return json_stream_enter(l->stream) ? -1 : 1;
    json_t *value = json_stream_value(l->stream);
    int result = -1;
    if (json_is_null(value) && need == JSON_OPTIONAL)
        result = 0;
    else if (value)
        json_read_refuse(&l->r, key, value, open == '[' ? "an array" : "an object");
    json_decref(value);
    return result;
}

void load_warn(struct dump *dump, const char *code, const char *text)
{
    /* Grown one by one: a dump has a handful. */
    size_t capacity = dump->nwarnings;
    dump->warnings =
        mem_grow(dump->warnings, &capacity, dump->nwarnings + 1, sizeof *dump->warnings);
    dump->warnings[dump->nwarnings++] =
        (struct dump_warning){pool_intern(dump->storage, code), pool_intern(dump->storage, text)};
}

/* Names the document that this is not. */
int load_format(struct loader *l, json_t *root)
{
    const char *format = json_read_string(&l->r, root, "format", JSON_REQUIRED);
    if (format && strcmp(format, MEMPROF_FORMAT_NAME) != 0)
        return json_read_refuse(&l->r, "format", json_object_get(root, "format"),
                                "\"" MEMPROF_FORMAT_NAME "\"");
    return 0;
}

/* Names the version that is not known here. */
int load_version(struct loader *l, json_t *root)
{
    uint64_t version = json_read_count(&l->r, root, "version", JSON_REQUIRED);
    if (!load_failed(l) && version != MEMPROF_FORMAT_VERSION)
        return error_set(l->r.error,
                         "version is %llu, which this memprof-report does not know, expected "
                         "version %d",
                         (unsigned long long)version, MEMPROF_FORMAT_VERSION);
    return 0;
}

int load_producer(struct loader *l, json_t *root)
{
    l->dump->producer = json_read_string(&l->r, root, "producer", JSON_OPTIONAL);
    return 0;
}

int load_process(struct loader *l, json_t *root)
{
    struct dump_process *p = &l->dump->process;
    struct json_reader *r = &l->r;
    json_t *o = json_read_object(r, root, "process", JSON_REQUIRED);
    load_enter(l, "process");
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
    load_enter(l, "process.parent");
    p->parent_pid = json_read_count(r, parent, "pid", JSON_OPTIONAL);
    p->argv = pool_zero(l->dump->storage, json_array_size(argv), sizeof *p->argv);
    load_enter(l, "process.argv");
    for (; p->nargv < json_array_size(argv); p->nargv++) {
        json_t *word = json_array_get(argv, p->nargv);
        r->index = p->nargv;
        if (!json_is_string(word))
            return json_read_refuse(r, NULL, word, "a string");
        p->argv[p->nargv] = pool_intern(l->dump->storage, json_string_value(word));
    }
    return 0;
}

static void load_counted(struct loader *l, json_t *mode)
{
    static const struct json_field fields[] = {
        {"alloc_count", offsetof(struct dump, counted.alloc_count)},
        {"alloc_bytes", offsetof(struct dump, counted.alloc_bytes)},
        {"free_count", offsetof(struct dump, counted.free_count)},
    };
    json_t *exact = json_read_object(&l->r, mode, "exact", JSON_OPTIONAL);
    l->dump->has_counted = exact != NULL;
    if (exact)
        json_read_counts(&l->r, exact, fields, LENGTH(fields), JSON_REQUIRED, l->dump);
}

/* MEMPROF_MAX_OVERHEAD: what it was, and what came of it. */
static void load_overhead(struct loader *l, json_t *mode)
{
    struct dump *dump = l->dump;
    dump->max_overhead = json_read_number(&l->r, mode, "max_overhead_percent", 0);
    dump->overhead = json_read_number(&l->r, mode, "overhead_percent", 0);
    dump->sample_changes = json_read_count(&l->r, mode, "change_count", JSON_OPTIONAL);
}

int load_mode(struct loader *l, json_t *root)
{
    struct json_reader *r = &l->r;
    json_t *mode = json_read_object(r, root, "mode", JSON_REQUIRED);
    load_enter(l, "mode");
    const char *kind = json_read_string(r, mode, "kind", JSON_REQUIRED);
    if (!kind)
        return -1;
    load_overhead(l, mode);
    if (strcmp(kind, "sampled") == 0) {
        uint64_t mean = json_read_count(r, mode, "mean_bytes", JSON_REQUIRED);
        l->dump->sample_mean_bytes = mean;
        if (mean == 0)
            return json_read_refuse(r, "mean_bytes", json_object_get(mode, "mean_bytes"),
                                    "a size above 0");
        load_counted(l, mode);
    } else if (strcmp(kind, "exact") != 0) {
        return json_read_refuse(r, "kind", json_object_get(mode, "kind"),
                                "\"exact\" or \"sampled\"");
    }
    return 0;
}

int load_totals_of(struct loader *l, json_t *root, const char *key)
{
    static const struct json_field fields[] = {
#define X(name) {#name, offsetof(struct dump_totals, c.name)},
        DUMP_COUNTERS(X)
#undef X
#define X(name) {#name, offsetof(struct dump_totals, name)},
            DUMP_TOTALS(X)
#undef X
    };
    json_t *o = json_read_object(&l->r, root, key, JSON_REQUIRED);
    load_enter(l, key);
    json_read_counts(&l->r, o, fields, LENGTH(fields), JSON_REQUIRED, &l->dump->totals);
    static const struct json_field errors[] = {
#define X(name) {#name "_se", offsetof(struct dump_totals, se.name)},
        DUMP_ERRORS(X)
#undef X
    };
    json_read_counts(&l->r, o, errors, LENGTH(errors), JSON_OPTIONAL, &l->dump->totals);
#define X(name)                                                                                    \
    if (l->dump->totals.se.name)                                                                   \
        l->dump->has_errors = true;
    DUMP_ERRORS(X)
#undef X
    return 0;
}

int load_totals(struct loader *l, json_t *root)
{
    return load_totals_of(l, root, "totals");
}

#define FIELD(key, member)                                                                         \
    {                                                                                              \
        (key), offsetof(struct dump, member)                                                       \
    }

/* The resident set's own time, if that is not the dump's. */
static void load_resident_at(struct loader *l, json_t *memory)
{
    struct dump *dump = l->dump;
    json_t *at = json_read_object(&l->r, memory, "resident_at", JSON_OPTIONAL);
    load_enter(l, "memory.resident_at");
    dump->resident_earlier = at != NULL;
    dump->resident_rss_bytes =
        at ? json_read_count(&l->r, at, "rss_bytes", JSON_REQUIRED) : dump->rss_bytes;
    dump->resident_ns = json_read_count(&l->r, at, "elapsed_ns", JSON_OPTIONAL);
}

static void load_resident(struct loader *l, json_t *resident, json_t *cgroup)
{
    static const struct json_field rows[] = {
#define X(name, label, meaning) FIELD(#name "_bytes", resident.name),
        DUMP_RESIDENT(X)
#undef X
    };
    static const struct json_field limits[] = {FIELD("used_bytes", cgroup_used),
                                               FIELD("limit_bytes", cgroup_limit)};
    l->dump->has_resident = resident != NULL;
    load_enter(l, "memory.resident");
    json_read_counts(&l->r, resident, rows, LENGTH(rows), JSON_OPTIONAL, l->dump);
    l->dump->resident_profiler_bytes =
        json_read_count(&l->r, resident, "profiler_bytes", JSON_OPTIONAL);
    load_enter(l, "memory.cgroup");
    json_read_counts(&l->r, cgroup, limits, LENGTH(limits), JSON_OPTIONAL, l->dump);
}

int load_memory(struct loader *l, json_t *root)
{
    static const struct json_field fields[] = {FIELD("rss_bytes", rss_bytes),
                                               FIELD("peak_rss_bytes", peak_rss_bytes),
                                               FIELD("profiler_bytes", profiler_bytes)};
    json_t *o = json_read_object(&l->r, root, "memory", JSON_OPTIONAL);
    load_enter(l, "memory");
    json_read_counts(&l->r, o, fields, LENGTH(fields), JSON_OPTIONAL, l->dump);
    static const struct json_field parts[] = {
#define X(name, label, meaning) FIELD(#name "_bytes", profiler.name),
        DUMP_PROFILER_PARTS(X)
#undef X
    };
    json_t *of = json_read_object(&l->r, o, "profiler", JSON_OPTIONAL);
    json_t *resident = json_read_object(&l->r, o, "resident", JSON_OPTIONAL);
    json_t *cgroup = json_read_object(&l->r, o, "cgroup", JSON_OPTIONAL);
    load_enter(l, "memory.profiler");
    json_read_counts(&l->r, of, parts, LENGTH(parts), JSON_OPTIONAL, l->dump);
    load_resident(l, resident, cgroup);
    load_enter(l, "memory");
    load_resident_at(l, o);
    return 0;
}

int load_inherited_of(struct loader *l, json_t *root, const char *key)
{
    static const struct json_field fields[] = {FIELD("live_count", inherited.count),
                                               FIELD("live_bytes", inherited.bytes),
                                               FIELD("free_count", inherited.free_count)};
    json_t *o = json_read_object(&l->r, root, key, JSON_OPTIONAL);
    load_enter(l, key);
    json_read_counts(&l->r, o, fields, LENGTH(fields), JSON_OPTIONAL, l->dump);
    return 0;
}

int load_inherited(struct loader *l, json_t *root)
{
    return load_inherited_of(l, root, "inherited");
}

int load_coverage(struct loader *l, json_t *root)
{
    struct json_reader *r = &l->r;
    json_t *coverage = json_read_object(r, root, "coverage", JSON_OPTIONAL);
    load_enter(l, "coverage");
    l->dump->coverage_percent = json_read_number(r, coverage, "percent", -1);
    l->dump->has_coverage = l->dump->coverage_percent >= 0;
    json_t *list = json_read_array(r, coverage, "warnings", JSON_OPTIONAL);
    load_enter(l, "coverage.warnings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_read_element(r, list, i);
        const char *code = json_read_string(r, o, "code", JSON_REQUIRED);
        const char *text = json_read_string(r, o, "text", JSON_REQUIRED);
        if (!code || !text)
            return -1;
        load_warn(l->dump, code, text);
    }
    return 0;
}

int load_settings(struct loader *l, json_t *root)
{
    json_t *settings = json_read_object(&l->r, root, "settings", JSON_OPTIONAL);
    load_enter(l, "settings");
    const char *check = json_read_string(&l->r, settings, "leak_check", JSON_OPTIONAL);
    l->dump->leaks_unwanted = check && strcmp(check, "none") == 0;
    return 0;
}

int load_suppressions(struct loader *l, json_t *root)
{
    l->dump->lsan_suppressions = json_read_string(&l->r, root, "lsan_suppressions", JSON_OPTIONAL);
    return 0;
}
