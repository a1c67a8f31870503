/* SPDX-License-Identifier: MIT
 *
 * The verdict as JSON, for programs of the user's own.
 */
#include "formats.h"
#include "json_write.h"

static void put_frame(struct json_writer *w, const struct verdict_frame *f)
{
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "function", f->function);
    json_write_string(w, "file", f->file);
    json_write_count(w, "line", f->line);
    json_write_string(w, "module", f->module);
    json_write_bool(w, "inlined", f->inlined);
    json_write_bool(w, "own", f->own);
    json_write_close(w, '}');
}

static void put_finding(struct json_writer *w, const struct verdict *v,
                        const struct verdict_finding *f)
{
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "message", f->message);
    json_write_string(w, "place", verdict_place(v, f));
    json_write_count(w, "bytes", f->bytes);
    json_write_count(w, "blocks", f->blocks);
    json_write_string(w, "fingerprint", f->fingerprint);
    json_write_string(w, "suppression", f->suppression);
    json_write_count(w, "where", f->where);
    json_write_key(w, "frames");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < f->nframes; i++)
        put_frame(w, &f->frames[i]);
    json_write_close(w, ']');
    json_write_count(w, "frames_left_out", f->left_out);
    json_write_close(w, '}');
}

static void put_check(struct json_writer *w, const struct verdict *v, const struct verdict_check *c)
{
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "name", c->name);
    json_write_string(w, "rule", c->rule);
    json_write_bool(w, "failed", c->failed);
    json_write_string(w, "message", c->message);
    json_write_key(w, "findings");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < c->n; i++)
        put_finding(w, v, &v->findings[c->first + i]);
    json_write_close(w, ']');
    json_write_count(w, "findings_left_out", c->left_out);
    json_write_close(w, '}');
}

static void put_amount(struct json_writer *w, uint64_t stacks, uint64_t blocks, uint64_t bytes)
{
    json_write_count(w, "stacks", stacks);
    json_write_count(w, "blocks", blocks);
    json_write_count(w, "bytes", bytes);
}

static void put_suppression(struct json_writer *w, const struct suppression *s)
{
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "pattern", s->pattern);
    json_write_bool(w, "only", s->only);
    json_write_string(w, "file", s->origin);
    json_write_count(w, "line", s->line);
    json_write_bool(w, "embedded", s->embedded);
    json_write_string(w, "expires", s->expires);
    json_write_bool(w, "expired", s->expired);
    json_write_string(w, "issue", s->issue);
    put_amount(w, s->stacks, s->blocks, s->bytes);
    json_write_close(w, '}');
}

static void put_group(struct json_writer *w, const struct verdict_group *g)
{
    if (!g->stacks)
        return;
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "name", g->name);
    put_amount(w, g->stacks, g->blocks, g->bytes);
    json_write_close(w, '}');
}

static void put_rest(struct json_writer *w, const struct verdict *v)
{
    json_write_key(w, "suppressions");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->suppressions->n; i++)
        put_suppression(w, &v->suppressions->list[i]);
    json_write_close(w, ']');
    json_write_bool(w, "runtime_counted", v->runtime_counted);
    json_write_key(w, "runtime");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->nruntime; i++)
        put_group(w, &v->runtime[i]);
    json_write_close(w, ']');
    json_write_key(w, "not_judged");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < VERDICT_GROUPS; i++)
        put_group(w, &v->groups[i]);
    json_write_close(w, ']');
    json_write_key(w, "notes");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->nnotes; i++)
        json_write_string(w, NULL, v->notes[i]);
    json_write_close(w, ']');
}

static void write_json(FILE *out, const struct verdict *v)
{
    struct json_writer w = {.file = out};
    json_write_open(&w, '{', JSON_BLOCK);
    json_write_string(&w, "program", v->program);
    json_write_count(&w, "dumps", v->ndumps);
    json_write_bool(&w, "passed", v->nfailed == 0);
    json_write_key(&w, "checks");
    json_write_open(&w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->nchecks; i++)
        put_check(&w, v, &v->checks[i]);
    json_write_close(&w, ']');
    put_rest(&w, v);
    json_write_close(&w, '}');
    json_write_end(&w);
}

const struct verdict_format verdict_json = {"json", write_json};
