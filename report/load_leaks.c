/* SPDX-License-Identifier: MIT
 *
 * What a dump says about leaks: sums by kind, and records of the stacks that hold them.
 */
#include "load_parts.h"
#include "memory.h"

#include <inttypes.h>
#include <string.h>

static void load_kinds(struct loader *l, json_t *kinds)
{
    struct dump_leaks *leaks = &l->dump->leaks;
    leaks->classified = json_object_size(kinds) > 0;
#define X(name)                                                                                    \
    {                                                                                              \
        load_enter(l, "leaks.kinds");                                                              \
        json_t *kind = json_read_object(&l->r, kinds, #name, JSON_OPTIONAL);                       \
        load_enter(l, "leaks.kinds." #name);                                                       \
        leaks->name##_bytes = json_read_count(&l->r, kind, "bytes", JSON_OPTIONAL);                \
        leaks->name##_count = json_read_count(&l->r, kind, "count", JSON_OPTIONAL);                \
    }
    DUMP_LEAK_KINDS(X)
#undef X
}

/* The number of the kind called NAME; DUMP_LEAK_KIND_COUNT: there is none. */
static enum dump_leak_kind find_kind(const char *name)
{
    static const char *const names[] = {
#define X(name) #name,
        DUMP_LEAK_KINDS(X)
#undef X
    };
    size_t i = 0;
    while (i < DUMP_LEAK_KIND_COUNT && strcmp(names[i], name) != 0)
        i++;
    return (enum dump_leak_kind)i;
}

/* One record; load_check_leaks looks at its frame when all frames are known. */
static void load_record(struct loader *l, json_t *o)
{
    struct dump_leaks *leaks = &l->dump->leaks;
    leaks->records =
        mem_grow(leaks->records, &l->record_capacity, leaks->nrecords + 1, sizeof *leaks->records);
    struct dump_leak_record *r = &leaks->records[leaks->nrecords++];
    const char *kind = json_read_string(&l->r, o, "kind", JSON_REQUIRED);
    uint64_t frame = json_read_count(&l->r, o, "frame", JSON_REQUIRED);
    r->kind = find_kind(kind ? kind : "");
    r->frame = frame < UINT32_MAX ? (uint32_t)frame : UINT32_MAX;
    r->bytes = json_read_count(&l->r, o, "bytes", JSON_REQUIRED);
    r->count = json_read_count(&l->r, o, "count", JSON_REQUIRED);
    if (kind && r->kind == DUMP_LEAK_KIND_COUNT)
        json_read_refuse(&l->r, "kind", json_object_get(o, "kind"),
                         "definite, indirect, possible or reachable");
}

static int load_records(struct loader *l)
{
    if (l->dump->leaks.nrecords)
        return json_stream_refuse_key(l->stream, "duplicate object key");
    int result = load_objects(l, "records", "leaks.records", JSON_OPTIONAL, load_record);
    load_enter(l, "leaks");
    return result;
}

int load_leaks(struct loader *l)
{
    json_t *small = json_object();
    int more = load_begin(l, "leaks", '{', JSON_OPTIONAL);
    bool there = more > 0;
    while (more > 0 && (more = json_stream_next(l->stream)) > 0) {
        const char *key = l->stream->key;
        if (strcmp(key, "records") == 0)
            more = load_records(l) ? -1 : 1;
        else if (strcmp(key, "method") != 0 && strcmp(key, "kinds") != 0)
            more = json_stream_skip(l->stream) ? -1 : 1;
        else if (json_object_get(small, key))
            more = json_stream_refuse_key(l->stream, "duplicate object key");
        else if (json_object_set_new(small, key, json_stream_value(l->stream)))
            more = -1; /* there was no value */
    }
    if (more == 0 && there) {
        load_enter(l, "leaks");
        l->dump->leaks.method = json_read_string(&l->r, small, "method", JSON_REQUIRED);
        load_kinds(l, json_read_object(&l->r, small, "kinds", JSON_OPTIONAL));
    }
    json_decref(small);
    return more;
}

int load_check_leaks(struct loader *l)
{
    const struct dump *dump = l->dump;
    for (size_t i = 0; i < dump->leaks.nrecords; i++)
        if (dump->leaks.records[i].frame >= dump->nframes)
            return error_set(l->r.error,
                             "leaks.records[%zu].frame is %" PRIu32 ", expected one of %zu frames",
                             i, dump->leaks.records[i].frame, dump->nframes);
    return 0;
}
