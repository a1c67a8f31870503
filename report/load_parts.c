/* SPDX-License-Identifier: MIT */
#include "load_parts.h"
#include "figures.h"
#include "load.h"
#include "memory.h"

#include <memprof/format.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool failed(const struct json_reader *r)
{
    return r->error->text[0] != '\0';
}

static json_t *list_of(struct json_reader *r, json_t *root, const char *key, enum json_need need)
{
    r->list = NULL;
    json_t *list = json_read_array(r, root, key, need);
    r->list = key;
    r->index = JSON_NO_INDEX;
    return list;
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

int load_modules(struct json_reader *r, json_t *root, struct dump *dump)
{
    json_t *list = list_of(r, root, "modules", JSON_REQUIRED);
    dump->nmodules = json_array_size(list);
    if (dump->nmodules > INT32_MAX)
        return json_read_refuse(r, NULL, list, "fewer modules");
    dump->modules = pool_zero(dump->storage, dump->nmodules, sizeof *dump->modules);
    for (size_t i = 0; i < dump->nmodules && !failed(r); i++) {
        json_t *o = json_read_element(r, list, i);
        struct dump_module *m = &dump->modules[i];
        m->path = json_read_string(r, o, "path", JSON_REQUIRED);
        m->build_id = json_read_string(r, o, "build_id", JSON_OPTIONAL);
        m->start = json_read_count(r, o, "start", JSON_REQUIRED);
        m->end = json_read_count(r, o, "end", JSON_REQUIRED);
        m->file_offset = json_read_count(r, o, "file_offset", JSON_REQUIRED);
        m->load_bias = json_read_count(r, o, "load_bias", JSON_REQUIRED);
        m->loaded_ns = json_read_count(r, o, "loaded_ns", JSON_OPTIONAL);
        json_t *unloaded = json_object_get(o, "unloaded_ns");
        m->unloaded_ns = !unloaded || json_is_null(unloaded)
                             ? UINT64_MAX
                             : json_read_count(r, o, "unloaded_ns", JSON_OPTIONAL);
        if (!failed(r) && m->end < m->start)
            json_read_refuse(r, "end", json_object_get(o, "end"), "an address above start");
    }
    return failed(r) ? -1 : 0;
}

int load_interpreted(struct json_reader *r, json_t *root, struct dump *dump)
{
    json_t *list = list_of(r, root, "interpreted", JSON_OPTIONAL);
    dump->ninterpreted = json_array_size(list);
    dump->interpreted = pool_zero(dump->storage, dump->ninterpreted, sizeof *dump->interpreted);
    for (size_t i = 0; i < dump->ninterpreted && !failed(r); i++) {
        json_t *o = json_read_element(r, list, i);
        struct dump_interpreted *f = &dump->interpreted[i];
        f->language = json_read_string(r, o, "language", JSON_OPTIONAL);
        f->file = json_read_string(r, o, "file", JSON_OPTIONAL);
        f->function = json_read_string(r, o, "function", JSON_REQUIRED);
        uint64_t line = json_read_count(r, o, "line", JSON_OPTIONAL);
        f->line = line > INT32_MAX ? 0 : (uint32_t)line; /* room to count on from it */
    }
    return failed(r) ? -1 : 0;
}

/* One frame: `[parent, module, offset]`. */
static int load_frame(struct json_reader *r, json_t *triple, size_t id, struct dump *dump)
{
    json_int_t value[3];
    char expected[96];
    r->index = id;
    if (!json_is_array(triple) || json_array_size(triple) != 3)
        return json_read_refuse(r, NULL, triple, "[parent, module, offset]");
    for (size_t k = 0; k < 3; k++) {
        json_t *number = json_array_get(triple, k);
        if (!json_is_integer(number))
            return json_read_refuse(r,
                                    k == 0   ? "[0]"
                                    : k == 1 ? "[1]"
                                             : "[2]",
                                    number, "an integer");
        value[k] = json_integer_value(number);
    }
    if (id == MEMPROF_FRAME_ROOT ? value[0] < -1 || value[0] > 0
                                 : value[0] < 0 || (size_t)value[0] >= id) {
        snprintf(expected, sizeof expected,
                 id ? "a frame id below %zu" : "-1 or 0, as frame 0 is the root", id);
        return json_read_refuse(r, "[0]", json_array_get(triple, 0), expected);
    }
    if (value[1] < MEMPROF_MODULE_INTERPRETED ||
        (value[1] >= 0 && (size_t)value[1] >= dump->nmodules)) {
        snprintf(expected, sizeof expected, "-2, -1 or a module id below %zu", dump->nmodules);
        return json_read_refuse(r, "[1]", json_array_get(triple, 1), expected);
    }
    bool interpreted = value[1] == MEMPROF_MODULE_INTERPRETED;
    if (value[2] < 0 || (interpreted && (size_t)value[2] >= dump->ninterpreted)) {
        snprintf(expected, sizeof expected,
                 interpreted ? "an index below %zu into interpreted" : "a non-negative integer",
                 dump->ninterpreted);
        return json_read_refuse(r, "[2]", json_array_get(triple, 2), expected);
    }
    dump->frames[id] = (struct dump_frame){.parent = id ? (uint32_t)value[0] : 0,
                                           .module = (int32_t)value[1],
                                           .offset = (uint64_t)value[2]};
    return 0;
}

int load_frames(struct json_reader *r, json_t *root, struct dump *dump)
{
    json_t *list = list_of(r, root, "frames", JSON_REQUIRED);
    if (failed(r))
        return -1;
    dump->nframes = json_array_size(list);
    if (dump->nframes == 0 || dump->nframes > INT32_MAX)
        return json_read_refuse(r, NULL, list, "at least the root frame");
    dump->frames = pool_zero(dump->storage, dump->nframes, sizeof *dump->frames);
    for (size_t i = 0; i < dump->nframes; i++)
        if (load_frame(r, json_array_get(list, i), i, dump))
            return -1;
    list = list_of(r, root, "signal_frames", JSON_OPTIONAL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *id = json_array_get(list, i);
        r->index = i;
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            (size_t)json_integer_value(id) >= dump->nframes)
            return json_read_refuse(r, NULL, id, "a frame id");
        dump->frames[json_integer_value(id)].interrupted = true;
    }
    return failed(r) ? -1 : 0;
}

static struct dump_histogram load_histogram(struct json_reader *r, json_t *site, const char *key,
                                            struct dump *dump)
{
    json_t *list = json_read_array(r, site, key, JSON_OPTIONAL);
    size_t n = json_array_size(list);
    if (n > MEMPROF_HISTOGRAM_BUCKETS) {
        json_read_refuse(r, key, list, "at most 64 buckets");
        return (struct dump_histogram){0};
    }
    uint64_t *count = n ? pool_zero(dump->storage, n, sizeof *count) : NULL;
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_array_get(list, i);
        if (!json_is_integer(value) || json_integer_value(value) < 0) {
            json_read_refuse(r, key, value, "non-negative integers");
            break;
        }
        count[i] = (uint64_t)json_integer_value(value);
    }
    return (struct dump_histogram){(uint32_t)n, count};
}

int load_sites(struct json_reader *r, json_t *root, struct dump *dump)
{
    /* What a site may not leave out. */
    static const char *const needed[] = {"alloc_count", "alloc_bytes", "live_count", "live_bytes",
                                         "peak_bytes"};
    char expected[64];
    json_t *list = list_of(r, root, "sites", JSON_REQUIRED);
    dump->nsites = json_array_size(list);
    dump->sites = pool_zero(dump->storage, dump->nsites, sizeof *dump->sites);
    for (size_t i = 0; i < dump->nsites && !failed(r); i++) {
        json_t *o = json_read_element(r, list, i);
        struct dump_site *s = &dump->sites[i];
        uint64_t frame = json_read_count(r, o, "frame", JSON_REQUIRED);
        if (!failed(r) && frame >= dump->nframes) {
            snprintf(expected, sizeof expected, "a frame id below %zu", dump->nframes);
            json_read_refuse(r, "frame", json_object_get(o, "frame"), expected);
        }
        s->frame = (uint32_t)frame;
        s->function = json_read_string(r, o, "function", JSON_REQUIRED);
        for (size_t k = 0; o && k < sizeof needed / sizeof *needed; k++)
            if (!json_object_get(o, needed[k]))
                json_read_refuse(r, needed[k], NULL, "a non-negative integer");
#define X(name) s->c.name = json_read_count(r, o, #name, JSON_OPTIONAL);
        DUMP_COUNTERS(X)
#undef X
        s->max_live_bytes = json_read_count(r, o, "max_live_bytes", JSON_OPTIONAL);
        s->threads = json_read_count(r, o, "threads", JSON_OPTIONAL);
        dump->has_site_threads = dump->has_site_threads || s->threads;
        s->size_log2 = load_histogram(r, o, "size_log2", dump);
        s->lifetime_log2_ns = load_histogram(r, o, "lifetime_log2_ns", dump);
    }
    return failed(r) ? -1 : 0;
}

static void check_sum(struct dump *dump, const char *name, uint64_t sum, uint64_t total)
{
    char text[160];
    if (sum == total)
        return;
    snprintf(text, sizeof text, "the sites' %s add up to %" PRIu64 ", but totals.%s is %" PRIu64,
             name, sum, name, total);
    load_warn(dump, LOAD_SUMS_DIFFER, text);
}

void load_check_sums(struct dump *dump, json_t *root)
{
    /* Counters that a producer need not have per site: compared if any site has them. */
    struct figures sum = {0};
    bool has_realloc = false, has_failed = false;
    json_t *sites = json_object_get(root, "sites");
    for (size_t i = 0; i < dump->nsites; i++) {
        figures_add_site(&sum, &dump->sites[i], false);
        json_t *o = json_array_get(sites, i);
        has_realloc = has_realloc || json_object_get(o, "realloc_count");
        has_failed = has_failed || json_object_get(o, "failed_count");
    }
    if (!has_realloc)
        sum.c.realloc_count = dump->totals.c.realloc_count;
    if (!has_failed)
        sum.c.failed_count = dump->totals.c.failed_count;
#define X(name) check_sum(dump, #name, sum.c.name, dump->totals.c.name);
    DUMP_COUNTERS(X)
#undef X
}
