/* SPDX-License-Identifier: MIT
 *
 * The summary's member about why and when the dump was written: the dump's own, with words.
 */
#include "out_json_occasion.h"
#include "occasion.h"

static void put_signal(struct json_writer *w, const struct dump_signal *s)
{
    json_write_key(w, "signal");
    json_write_open(w, '{', JSON_ROW);
    json_write_count(w, "number", s->number);
    json_write_string(w, "name", s->name);
    json_write_signed(w, "code", s->code);
    if (s->sender)
        json_write_count(w, "sender", s->sender);
    if (s->has_address)
        json_write_count(w, "address", s->address);
    json_write_close(w, '}');
}

static void put_trigger(struct json_writer *w, const struct dump_trigger *t)
{
    json_write_key(w, "trigger");
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "kind", t->kind);
    if (t->limit_bytes)
        json_write_count(w, "limit_bytes", t->limit_bytes);
    if (t->used_bytes)
        json_write_count(w, "used_bytes", t->used_bytes);
    if (t->requested_bytes)
        json_write_count(w, "requested_bytes", t->requested_bytes);
    json_write_close(w, '}');
}

void json_occasion(struct json_writer *w, const struct dump *dump)
{
    char words[OCCASION_MAX];
    json_write_key(w, "dump");
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "path", dump->path);
    json_write_string(w, "reason", dump->reason);
    json_write_count(w, "sequence", dump->sequence);
    json_write_count(w, "elapsed_ns", dump->elapsed_ns);
    json_write_bool(w, "complete", dump->complete);
    json_write_string(w, "occasion", occasion_words(words, dump));
    if (dump->signal.number)
        put_signal(w, &dump->signal);
    if (dump->trigger.kind)
        put_trigger(w, &dump->trigger);
    json_write_close(w, '}');
}
