/* SPDX-License-Identifier: MIT
 *
 * The part of a dump that says why and when it was written.
 */
#include "load.h"
#include "load_parts.h"

#include <limits.h>

static void load_signal(struct loader *l, json_t *o)
{
    struct dump_signal *s = &l->dump->signal;
    load_enter(l, "dump.signal");
    s->number = json_read_count(&l->r, o, "number", JSON_REQUIRED);
    s->name = json_read_string(&l->r, o, "name", JSON_OPTIONAL);
    s->sender = json_read_count(&l->r, o, "sender", JSON_OPTIONAL);
    s->address = json_read_count(&l->r, o, "address", JSON_OPTIONAL);
    s->has_address = json_object_get(o, "address") != NULL;
    const double code = json_read_number(&l->r, o, "code", 0);
    s->code = code > INT_MIN && code < INT_MAX ? (int)code : 0;
}

static void load_trigger(struct loader *l, json_t *o)
{
    struct dump_trigger *t = &l->dump->trigger;
    load_enter(l, "dump.trigger");
    t->kind = json_read_string(&l->r, o, "kind", JSON_REQUIRED);
    t->limit_bytes = json_read_count(&l->r, o, "limit_bytes", JSON_OPTIONAL);
    t->used_bytes = json_read_count(&l->r, o, "used_bytes", JSON_OPTIONAL);
    t->requested_bytes = json_read_count(&l->r, o, "requested_bytes", JSON_OPTIONAL);
}

int load_head(struct loader *l, json_t *root)
{
    struct dump *dump = l->dump;
    json_t *o = json_read_object(&l->r, root, "dump", JSON_REQUIRED);
    load_enter(l, "dump");
    dump->reason = json_read_string(&l->r, o, "reason", JSON_REQUIRED);
    dump->sequence = json_read_count(&l->r, o, "sequence", JSON_OPTIONAL);
    dump->elapsed_ns = json_read_count(&l->r, o, "elapsed_ns", JSON_OPTIONAL);
    dump->complete = json_read_bool(&l->r, o, "complete", JSON_REQUIRED);
    if (!dump->complete)
        load_warn(dump, "incomplete",
                  "recording stopped early, or parts are missing: the figures may be too small");
    json_t *signal = json_read_object(&l->r, o, "signal", JSON_OPTIONAL);
    json_t *trigger = json_read_object(&l->r, o, "trigger", JSON_OPTIONAL);
    if (signal)
        load_signal(l, signal);
    if (trigger)
        load_trigger(l, trigger);
    return 0;
}
