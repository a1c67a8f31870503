/* SPDX-License-Identifier: MIT
 *
 * The parts of a dump that are lists of a few hundred things or so, but may be longer: only one
 * element is in memory as JSON.
 */
#include "load_parts.h"
#include "memory.h"

#include <string.h>

int load_objects(struct loader *l, const char *key, const char *list, enum json_need need,
                 void (*element)(struct loader *, json_t *))
{
    int more = load_begin(l, key, '[', need);
    load_enter(l, list);
    if (more <= 0)
        return more;
    for (l->r.index = 0; (more = json_stream_next(l->stream)) > 0; l->r.index++) {
        json_t *o = json_stream_value(l->stream);
        if (json_is_object(o))
            element(l, o);
        else if (o)
            json_read_refuse(&l->r, NULL, o, "an object");
        json_decref(o);
        if (load_failed(l))
            return -1;
    }
    return more;
}

static void load_module(struct loader *l, json_t *o)
{
    static const struct json_field fields[] = {
        {"start", offsetof(struct dump_module, start)},
        {"end", offsetof(struct dump_module, end)},
        {"file_offset", offsetof(struct dump_module, file_offset)},
        {"load_bias", offsetof(struct dump_module, load_bias)}};
    struct json_reader *r = &l->r;
    struct dump *dump = l->dump;
    dump->modules =
        mem_grow(dump->modules, &l->module_capacity, dump->nmodules + 1, sizeof *dump->modules);
    struct dump_module *m = &dump->modules[dump->nmodules++];
    *m = (struct dump_module){.unloaded_ns = UINT64_MAX};
    m->path = json_read_string(r, o, "path", JSON_REQUIRED);
    m->build_id = json_read_string(r, o, "build_id", JSON_OPTIONAL);
    json_read_counts(r, o, fields, sizeof fields / sizeof *fields, JSON_REQUIRED, m);
    m->loaded_ns = json_read_count(r, o, "loaded_ns", JSON_OPTIONAL);
    json_t *unloaded = json_object_get(o, "unloaded_ns");
    if (unloaded && !json_is_null(unloaded))
        m->unloaded_ns = json_read_as_count(r, "unloaded_ns", unloaded);
    if (!load_failed(l) && m->end < m->start)
        json_read_refuse(r, "end", json_object_get(o, "end"), "an address above start");
}

int load_modules(struct loader *l)
{
    return load_objects(l, "modules", "modules", JSON_REQUIRED, load_module);
}

static void load_interpreted_frame(struct loader *l, json_t *o)
{
    struct dump *dump = l->dump;
    dump->interpreted = mem_grow(dump->interpreted, &l->interpreted_capacity,
                                 dump->ninterpreted + 1, sizeof *dump->interpreted);
    struct dump_interpreted *f = &dump->interpreted[dump->ninterpreted++];
    f->language = json_read_string(&l->r, o, "language", JSON_OPTIONAL);
    f->file = json_read_string(&l->r, o, "file", JSON_OPTIONAL);
    f->function = json_read_string(&l->r, o, "function", JSON_REQUIRED);
    uint64_t line = json_read_count(&l->r, o, "line", JSON_OPTIONAL);
    f->line = line > INT32_MAX ? 0 : (uint32_t)line; /* room to count on from it */
}

int load_interpreted(struct loader *l)
{
    return load_objects(l, "interpreted", "interpreted", JSON_OPTIONAL, load_interpreted_frame);
}

static void load_thread(struct loader *l, json_t *o)
{
    static const struct json_field fields[] = {
        {"alloc_count", offsetof(struct dump_thread, alloc_count)},
        {"alloc_bytes", offsetof(struct dump_thread, alloc_bytes)},
        {"free_count", offsetof(struct dump_thread, free_count)}};
    struct dump *dump = l->dump;
    dump->threads =
        mem_grow(dump->threads, &l->thread_capacity, dump->nthreads + 1, sizeof *dump->threads);
    struct dump_thread *t = &dump->threads[dump->nthreads++];
    t->tid = json_read_count(&l->r, o, "tid", JSON_REQUIRED);
    t->name = json_read_string(&l->r, o, "name", JSON_OPTIONAL);
    json_read_counts(&l->r, o, fields, sizeof fields / sizeof *fields, JSON_OPTIONAL, t);
}

int load_threads(struct loader *l)
{
    return load_objects(l, "threads", "threads", JSON_OPTIONAL, load_thread);
}

/* One row of numbers. */
static int load_row(struct loader *l)
{
    struct dump *dump = l->dump;
    int64_t value[4];
    int n = json_stream_integers(l->stream, value, 4);
    bool sound = n == 4;
    json_t *row = n >= 0 ? NULL : json_stream_value(l->stream);
    if (n < 0 && !row)
        return -1;
    for (size_t k = 0; row && k < 4; k++) {
        json_t *number = json_array_get(row, k);
        sound = json_is_integer(number) && (k == 0 || sound);
        value[k] = json_integer_value(number);
    }
    for (size_t k = 0; sound && k < 4; k++)
        sound = value[k] >= 0;
    if (!sound && row)
        json_read_refuse(&l->r, NULL, row, "4 non-negative integers");
    else if (!sound)
        error_set(l->r.error,
                  "timeline.rows[%zu] is an array of %d, expected 4 non-negative integers",
                  l->r.index, n);
    json_decref(row);
    dump->timeline =
        mem_grow(dump->timeline, &l->row_capacity, dump->ntimeline + 1, sizeof *dump->timeline);
    if (sound)
        dump->timeline[dump->ntimeline++] = (struct dump_timeline_row){
            (uint64_t)value[0], (uint64_t)value[1], (uint64_t)value[2], (uint64_t)value[3]};
    return sound ? 0 : -1;
}

static int load_rows(struct loader *l)
{
    int more = load_begin(l, "rows", '[', JSON_OPTIONAL);
    load_enter(l, "timeline.rows");
    if (more <= 0)
        return more;
    for (l->r.index = 0; (more = json_stream_next(l->stream)) > 0; l->r.index++)
        if (load_row(l))
            return -1;
    return more;
}

int load_timeline(struct loader *l)
{
    bool seen = false;
    int more = load_begin(l, "timeline", '{', JSON_OPTIONAL);
    while (more > 0 && (more = json_stream_next(l->stream)) > 0) {
        load_enter(l, "timeline");
        if (strcmp(l->stream->key, "rows") != 0) {
            if (json_stream_skip(l->stream))
                return -1;
            continue;
        }
        if (seen)
            return json_stream_refuse_key(l->stream, "duplicate object key");
        seen = true;
        if (load_rows(l))
            return -1;
    }
    return more;
}
