/* SPDX-License-Identifier: MIT */
#include "json_stream.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN 16 /* what may be wrong so close to the end is but cut off */

enum { IN_OBJECT = 1, NOT_FIRST = 2 };

struct json_stream *json_stream_new(struct input *input, struct error *error)
{
    struct json_stream *s = mem_zero(1, sizeof *s);
    /* Without memory jansson loses characters of strings, and then its way. */
    json_set_alloc_funcs(mem_alloc, free);
    s->input = input;
    s->error = error;
    s->document = "memprof dump";
    s->buffer = mem_alloc(MEM_CHUNK);
    s->capacity = MEM_CHUNK;
    s->line = 1;
    return s;
}

void json_stream_free(struct json_stream *s)
{
    if (!s)
        return;
    free(s->buffer);
    free(s);
}

struct position {
    uint64_t line, column;
};

/* Where we are after N bytes of the buffer, not fewer than were counted. Columns count characters.
 */
static struct position position_after(const struct json_stream *s, size_t n)
{
    struct position p = {s->line, s->column};
    const char *from = s->buffer + s->counted, *end = s->buffer + n, *newline;
    while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
        p.line++;
        p.column = 0;
        from = newline + 1;
    }
    for (; from < end; from++)
        p.column += ((unsigned char)*from & 0xc0) != 0x80;
    return p;
}

/* Counts what was consumed. */
static void count_up(struct json_stream *s)
{
    struct position p = position_after(s, s->at);
    s->line = p.line;
    s->column = p.column;
    s->counted = s->at;
}

void json_stream_where(struct json_stream *s, uint64_t *line, uint64_t *column)
{
    count_up(s);
    *line = s->line;
    *column = s->column + 1;
}

__attribute__((format(printf, 3, 4))) static int refuse_at(struct json_stream *s, struct position p,
                                                           const char *format, ...)
{
    char wrong[256];
    va_list args;
    va_start(args, format);
    vsnprintf(wrong, sizeof wrong, format, args);
    va_end(args);
    s->broken = true;
    return error_set(s->error, "line %llu, column %llu: %s", (unsigned long long)p.line,
                     (unsigned long long)p.column, wrong);
}

static int refuse_end(struct json_stream *s)
{
    return refuse_at(s, position_after(s, s->end), "the file ends too early, expected a whole %s",
                     s->document);
}

/* Says what would have been right instead of the character at hand. */
static int refuse(struct json_stream *s, const char *expected)
{
    if (s->broken)
        return -1;
    if (s->at == s->end)
        return refuse_end(s);
    unsigned char c = (unsigned char)s->buffer[s->at];
    return refuse_at(s, position_after(s, s->at + 1),
                     c > 0x20 && c < 0x7f ? "not JSON: %s expected near '%c'"
                                          : "not JSON: %s expected near byte 0x%02x",
                     expected, c);
}

int json_stream_refuse_key(struct json_stream *s, const char *wrong)
{
    return refuse_at(s, position_after(s, s->at), "not JSON: %s near '\"%s\"'", wrong, s->key);
}

/* Forgets what was consumed and reads on; the buffer grows if it was full. Returns 0, also at the
 * end of the input, or -1. */
static int fill(struct json_stream *s)
{
    if (s->at > 0) {
        count_up(s);
        s->counted = 0;
        memmove(s->buffer, s->buffer + s->at, s->end - s->at);
        s->end -= s->at;
        s->at = 0;
    }
    if (s->end == s->capacity && s->capacity >= JSON_STREAM_PIECE_MAX)
        return refuse_at(s, position_after(s, s->at + 1),
                         "a value of more than %zu bytes begins here, too large for a %s",
                         JSON_STREAM_PIECE_MAX, s->document);
    if (s->end == s->capacity)
        s->buffer = mem_grow(s->buffer, &s->capacity, s->capacity + 1, 1);
    ssize_t got = input_read(s->input, s->buffer + s->end, s->capacity - s->end, s->error);
    if (got < 0) {
        s->broken = true;
        return -1;
    }
    s->ended = got == 0;
    s->end += (size_t)got;
    return 0;
}

int json_stream_want(struct json_stream *s, size_t size)
{
    while (s->end - s->at < size && !s->ended)
        if (fill(s))
            return -1;
    return 0;
}

int json_stream_peek(struct json_stream *s)
{
    if (s->broken)
        return -1;
    for (;;) {
        while (s->at < s->end && json_stream_is_blank(s->buffer[s->at]))
            s->at++;
        if (s->at < s->end)
            return (unsigned char)s->buffer[s->at];
        if (s->ended || fill(s))
            return -1;
    }
}

int json_stream_enter(struct json_stream *s)
{
    int c = json_stream_peek(s);
    if (c != '{' && c != '[')
        return refuse(s, "'[' or '{'");
    if (s->depth == JSON_STREAM_DEPTH)
        return refuse_at(s, position_after(s, s->at + 1),
                         "not JSON: maximum parsing depth reached near '%c'", c);
    s->within[s->depth++] = c == '{' ? IN_OBJECT : 0;
    s->at++;
    return 0;
}

/* Reads a member's name, which begins here. One that is too long to be known is cut. */
static int read_key(struct json_stream *s)
{
    if (json_stream_text(s, s->key))
        return 0;
    json_t *key = json_stream_value(s);
    if (!key)
        return -1;
    snprintf(s->key, sizeof s->key, "%s", json_string_value(key));
    json_decref(key);
    return 0;
}

int json_stream_next(struct json_stream *s)
{
    uint8_t *within = &s->within[s->depth - 1];
    bool object = *within & IN_OBJECT;
    int c = json_stream_peek(s);
    if (c == (object ? '}' : ']')) {
        s->at++;
        s->depth--;
        return 0;
    }
    if (*within & NOT_FIRST) {
        if (c != ',')
            return refuse(s, object ? "',' or '}'" : "',' or ']'");
        s->at++;
        c = json_stream_peek(s);
    }
    *within |= NOT_FIRST;
    if (!object)
        return c < 0 || c == ']' ? refuse(s, "a value") : 1;
    if (c != '"')
        return refuse(s, "string");
    if (read_key(s))
        return -1;
    if (json_stream_peek(s) != ':')
        return refuse(s, "':'");
    s->at++;
    return 1;
}

int json_stream_leave(struct json_stream *s, size_t depth)
{
    while (s->depth > depth) {
        int64_t number;
        int more = json_stream_next(s);
        if (more < 0)
            return -1;
        if (more == 0 || json_stream_integer(s, &number))
            continue;
        int c = json_stream_peek(s);
        if (c == '{' || c == '[') {
            if (json_stream_enter(s))
                return -1;
            continue;
        }
        json_t *value = json_stream_value(s);
        if (!value)
            return -1;
        json_decref(value);
    }
    return 0;
}

int json_stream_skip(struct json_stream *s)
{
    int c = json_stream_peek(s);
    if (c == '{' || c == '[')
        return json_stream_enter(s) ? -1 : json_stream_leave(s, s->depth - 1);
    json_t *value = json_stream_value(s);
    json_decref(value);
    return value ? 0 : -1;
}

/* What jansson says about the piece that begins here, at its place in the whole document. */
static int refuse_piece(struct json_stream *s, const json_error_t *e)
{
    struct position p = position_after(s, s->at);
    s->broken = true;
    if (json_error_code(e) == json_error_premature_end_of_input)
        return refuse_end(s);
    p.column = e->line > 1 ? (uint64_t)e->column : p.column + (uint64_t)e->column;
    p.line += (uint64_t)e->line - 1;
    return refuse_at(s, p, "not JSON: %s", e->text);
}

/* Whether the value that begins at P, of which SIZE bytes are here, has too many others in it: in
 * memory each takes some hundred bytes, however little there is of it. */
static bool is_crowded(const char *p, size_t size)
{
    size_t depth = 0, values = 1;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        const char c = p[i];
        if (quoted) {
            quoted = c != '"';
            i += c == '\\';
            continue;
        }
        quoted = c == '"';
        values += c == ',' || c == ':' || c == '[' || c == '{';
        if (values > JSON_STREAM_VALUES_MAX + i / JSON_STREAM_VALUE_BYTES)
            return true;
        depth += c == '[' || c == '{';
        if (depth == 0 && (c == ',' || c == ']' || c == '}'))
            return false;
        depth -= c == ']' || c == '}';
    }
    return false;
}

json_t *json_stream_value(struct json_stream *s)
{
    /* At the top jansson would take any value, and say less about what is no JSON at all. */
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK;
    if (json_stream_peek(s) < 0) {
        refuse(s, "a value");
        return NULL;
    }
    if (s->depth > 0)
        flags |= JSON_DECODE_ANY;
    for (;;) {
        json_error_t e;
        if (json_stream_want(s, JSON_STREAM_PLENTY))
            return NULL;
        size_t size = s->end - s->at;
        if (is_crowded(s->buffer + s->at, size)) {
            refuse_at(s, position_after(s, s->at + 1),
                      "a value of more than %zu others begins here, too many for a %s",
                      JSON_STREAM_VALUES_MAX, s->document);
            return NULL;
        }
        json_t *value = json_loadb(s->buffer + s->at, size, flags, &e);
        if (value && (s->ended || (size_t)e.position < size)) {
            s->at += (size_t)e.position;
            return value;
        }
        json_decref(value);
        if (s->ended || (!value && json_error_code(&e) != json_error_premature_end_of_input &&
                         (size_t)e.position + MARGIN < size)) {
            refuse_piece(s, &e);
            return NULL;
        }
        /* Twice as much, so that a large value is not begun again for every few bytes. */
        size_t more = size < JSON_STREAM_PIECE_MAX / 2 ? 2 * size : JSON_STREAM_PIECE_MAX;
        if (size < more ? json_stream_want(s, more) : fill(s))
            return NULL;
    }
}

int json_stream_end(struct json_stream *s)
{
    return json_stream_peek(s) >= 0 || s->broken ? refuse(s, "end of file") : 0;
}
