/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <errno.h>
#include <string.h>

#include "sys.h"
#include "text.h"

#define PAGE ((size_t)4096)

/* Writes out all but REST bytes. */
static void flush(struct json *j, size_t rest)
{
    const size_t size = j->used - rest;
    if (j->error == 0 && size > 0) {
        j->error = j->identity && !sys_is_still(j->fd, j->identity)
                       ? -EBADF
                       : sys_write_all(j->fd, j->buffer, size);
    }
    memmove(j->buffer, j->buffer + size, rest);
    j->used = rest;
}

/* Room for SIZE bytes, which are few. Whole pages are written: files take these in less time. */
static char *room(struct json *j, size_t size)
{
    if (unlikely(sizeof j->buffer - j->used < size)) {
        flush(j, j->used % PAGE);
    }
    return j->buffer + j->used;
}

static inline void put(struct json *j, char c)
{
    *room(j, 1) = c;
    j->used++;
}

static void put_string(struct json *j, const char *s)
{
    while (*s) {
        put(j, *s++);
    }
}

static char *all_eight(char *to, uint32_t n)
{
    const uint64_t digits = json_eight(n) | JSON_ZEROS;
    memcpy(to, &digits, sizeof digits);
    return to + sizeof digits;
}

char *json_many_digits(char *to, uint64_t n)
{
    const uint64_t high = n / JSON_EIGHT, highest = high / JSON_EIGHT;
    if (highest > 0) {
        to = all_eight(json_digits(to, highest), (uint32_t)(high % JSON_EIGHT));
    } else {
        to = json_digits(to, high);
    }
    return all_eight(to, (uint32_t)(n % JSON_EIGHT));
}

static void put_number(struct json *j, uint64_t n)
{
    j->used = (size_t)(json_digits(room(j, JSON_DIGITS), n) - j->buffer);
}

static void put_quoted(struct json *j, const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    put(j, '"');
    while (*s) {
        if (*s == '"' || *s == '\\') {
            put(j, '\\');
            put(j, (char)*s++);
        } else if (*s < 0x20 || *s == 0x7f) {
            put_string(j, "\\u00");
            put(j, "0123456789abcdef"[*s >> 4]);
            put(j, "0123456789abcdef"[*s++ & 15]);
        } else if (*s < 0x80) {
            put(j, (char)*s++);
        } else {
            uint32_t character;
            size_t n = text_utf8(s, &character);
            if (n == 0) {
                put_string(j, "\\ufffd");
                s++;
            }
            while (n-- > 0) {
                put(j, (char)*s++);
            }
        }
    }
    put(j, '"');
}

static void begin_value(struct json *j, const char *key)
{
    if (j->comma) {
        put(j, ',');
    }
    j->comma = true;
    if (key) {
        const size_t length = strlen(key);
        char *to = room(j, length + 3);
        to[0] = '"';
        memcpy(to + 1, key, length);
        to[length + 1] = '"';
        to[length + 2] = ':';
        j->used += length + 3;
    }
}

void json_begin(struct json *j, int fd)
{
    j->fd = fd;
    j->identity = NULL;
    j->error = 0;
    j->comma = false;
    j->used = 0;
}

int json_end(struct json *j)
{
    put(j, '\n');
    flush(j, 0);
    return j->error;
}

void json_open(struct json *j, const char *key, char bracket)
{
    begin_value(j, key);
    put(j, bracket);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    put(j, bracket);
    j->comma = true;
}

void json_uint(struct json *j, const char *key, uint64_t n)
{
    begin_value(j, key);
    put_number(j, n <= INT64_MAX ? n : INT64_MAX); /* the format's numbers saturate */
}

void json_uint_nonzero(struct json *j, const char *key, uint64_t n)
{
    if (n != 0) {
        json_uint(j, key, n);
    }
}

void json_int(struct json *j, const char *key, int64_t n)
{
    begin_value(j, key);
    if (n < 0) {
        put(j, '-');
    }
    put_number(j, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void json_bool(struct json *j, const char *key, bool b)
{
    begin_value(j, key);
    put_string(j, b ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    begin_value(j, key);
    put_string(j, "null");
}

void json_string(struct json *j, const char *key, const char *s)
{
    begin_value(j, key);
    put_quoted(j, s);
}

void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t n)
{
    begin_value(j, key);
    put(j, '"');
    for (size_t i = 0; i < n; i++) {
        put(j, "0123456789abcdef"[bytes[i] >> 4]);
        put(j, "0123456789abcdef"[bytes[i] & 15]);
    }
    put(j, '"');
}

void json_milli(struct json *j, const char *key, uint64_t thousandths)
{
    begin_value(j, key);
    put_number(j, thousandths / 1000);
    put(j, '.');
    for (uint64_t unit = 100, rest = thousandths % 1000; unit > 0; unit /= 10) {
        put(j, (char)('0' + rest / unit % 10));
    }
}

void json_newline(struct json *j)
{
    put(j, '\n');
}

char *json_text(struct json *j, size_t size)
{
    char *to = room(j, size + 1);
    if (j->comma) {
        *to++ = ',';
    }
    return to;
}
