/* SPDX-License-Identifier: MIT */
#include "json_write.h"
#include "quote.h"

#include <inttypes.h>

/* Levels: the indentation of a deep tree would outgrow what it says. */
#define MAX_INDENT 24

static void new_line(struct json_writer *w)
{
    if (w->inline_from) {
        if (w->filled)
            fputc(' ', w->file);
        return;
    }
    fputc('\n', w->file);
    for (unsigned i = 0; i < w->depth && i < MAX_INDENT; i++)
        fputs("  ", w->file);
}

/* What comes before a key or a value. */
static void separate(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->filled)
        fputc(',', w->file);
    if (w->depth)
        new_line(w);
    w->filled = true;
}

void json_write_open(struct json_writer *w, char bracket, enum json_layout layout)
{
    separate(w);
    fputc(bracket, w->file);
    w->depth++;
    if (layout == JSON_ROW && !w->inline_from)
        w->inline_from = w->depth;
    w->filled = false;
}

void json_write_close(struct json_writer *w, char bracket)
{
    bool was_inline = w->inline_from != 0;
    if (w->inline_from == w->depth)
        w->inline_from = 0;
    w->depth--;
    if (!was_inline && w->filled)
        new_line(w);
    fputc(bracket, w->file);
    w->filled = true;
}

void json_write_key(struct json_writer *w, const char *key)
{
    separate(w);
    quote_json(w->file, key);
    fputs(": ", w->file);
    w->after_key = true;
}

static void before_value(struct json_writer *w, const char *key)
{
    if (key)
        json_write_key(w, key);
    separate(w);
}

void json_write_string(struct json_writer *w, const char *key, const char *value)
{
    before_value(w, key);
    quote_json(w->file, value);
}

void json_write_count(struct json_writer *w, const char *key, uint64_t value)
{
    before_value(w, key);
    fprintf(w->file, "%" PRIu64, value);
}

void json_write_signed(struct json_writer *w, const char *key, int64_t value)
{
    before_value(w, key);
    fprintf(w->file, "%" PRId64, value);
}

void json_write_number(struct json_writer *w, const char *key, double value)
{
    before_value(w, key);
    fprintf(w->file, "%.6g", value);
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
    before_value(w, key);
    fputs(value ? "true" : "false", w->file);
}

void json_write_null(struct json_writer *w, const char *key)
{
    before_value(w, key);
    fputs("null", w->file);
}

void json_write_end(struct json_writer *w)
{
    fputc('\n', w->file);
    w->filled = false;
}
