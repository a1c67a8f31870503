/* SPDX-License-Identifier: MIT
 *
 * The plain values of a stream. What is not quite plain, or not wholly in the buffer, is left
 * alone.
 */
#include "json_stream.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the integer at P, which must not reach to END. Returns what follows it, or NULL if it is
 * not a plain one. */
static const char *plain_integer(const char *p, const char *end, int64_t *value)
{
    bool minus = p < end && *p == '-';
    const char *first = p += minus;
    uint64_t n = 0;
    while (p < end && is_digit(*p))
        n = n * 10 + (uint64_t)(*p++ - '0');
    size_t digits = (size_t)(p - first);
    if (p == end || digits == 0 || digits > 18 || (digits > 1 && *first == '0') || *p == '.' ||
        *p == 'e' || *p == 'E')
        return NULL;
    *value = minus ? -(int64_t)n : (int64_t)n;
    return p;
}

bool json_stream_integer(struct json_stream *s, int64_t *value)
{
    if (json_stream_peek(s) < 0 || json_stream_want(s, JSON_STREAM_PLENTY))
        return false;
    const char *end = s->buffer + s->end;
    const char *p = plain_integer(s->buffer + s->at, end, value);
    if (p)
        s->at = (size_t)(p - s->buffer);
    return p != NULL;
}

int json_stream_integers(struct json_stream *s, int64_t *values, size_t max)
{
    if (json_stream_peek(s) != '[' || json_stream_want(s, JSON_STREAM_PLENTY))
        return -1;
    const char *p = s->buffer + s->at + 1, *end = s->buffer + s->end;
    size_t n = 0;
    for (; p < end && json_stream_is_blank(*p); p++)
        ;
    while (p < end && (n > 0 || *p != ']')) {
        if (n == max || !(p = plain_integer(p, end, &values[n++])))
            return -1;
        for (; p < end && json_stream_is_blank(*p); p++)
            ;
        if (p < end && *p == ']')
            break;
        if (p == end || *p++ != ',')
            return -1;
        for (; p < end && json_stream_is_blank(*p); p++)
            ;
    }
    if (p >= end)
        return -1;
    s->at = (size_t)(p + 1 - s->buffer);
    return (int)n;
}

bool json_stream_text(struct json_stream *s, char text[JSON_STREAM_KEY])
{
    if (json_stream_peek(s) != '"' || json_stream_want(s, JSON_STREAM_PLENTY))
        return false;
    const char *p = s->buffer + s->at + 1, *end = s->buffer + s->end;
    size_t n = 0;
    for (; p + n < end && n < JSON_STREAM_KEY && p[n] != '"'; n++)
        if ((unsigned char)p[n] < 0x20 || (unsigned char)p[n] >= 0x7f || p[n] == '\\')
            return false;
    if (p + n == end || n >= JSON_STREAM_KEY - 1)
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    s->at += n + 2;
    return true;
}
