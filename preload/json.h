/* SPDX-License-Identifier: MIT
 *
 * A JSON writer over a fixed buffer and a descriptor: nothing is allocated. Commas are its own
 * business. The first error is kept and everything after it is ignored. One thread at a time.
 */
#ifndef PRELOAD_JSON_H
#define PRELOAD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json {
    int fd;
    int error; /* 0, or the negative errno of the first write that failed */
    bool comma;
    size_t used;
    char buffer[65536];
};

/* Digits that a number has at the most, and bytes that json_digits may write. */
#define JSON_DIGITS ((size_t)20)

extern const char json_pair[200] __attribute__((visibility("hidden"))); /* "00", "01", .. */

/* Writes N at TO, where there is room for JSON_DIGITS; returns its end. */
static inline char *json_digits(char *to, uint64_t n)
{
    if (n < 10) {
        *to = (char)('0' + n);
        return to + 1;
    }
    char digits[2 * JSON_DIGITS]; /* the last ones are the number's */
    size_t first = JSON_DIGITS;
    for (; n >= 100; n /= 100) {
        first -= 2;
        memcpy(&digits[first], &json_pair[n % 100 * 2], 2);
    }
    first -= 2;
    memcpy(&digits[first], &json_pair[n * 2], 2);
    first += n < 10;
    memcpy(to, &digits[first], JSON_DIGITS); /* as many at all times: two moves */
    return to + (JSON_DIGITS - first);
}

void json_begin(struct json *j, int fd);
/* Writes out what is buffered. Returns the error, 0 if there was none. */
int json_end(struct json *j);

/* KEY is NULL inside an array, otherwise a short name in plain ASCII. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_uint(struct json *j, const char *key, uint64_t n);
/* Left out if N is 0. */
void json_uint_nonzero(struct json *j, const char *key, uint64_t n);
void json_int(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool b);
void json_null(struct json *j, const char *key);
/* S may be any bytes: what is not UTF-8 becomes U+FFFD. */
void json_string(struct json *j, const char *key, const char *s);
void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t n);
/* Thousandths, written as a decimal fraction. */
void json_milli(struct json *j, const char *key, uint64_t thousandths);
void json_newline(struct json *j);

/* For values that are made up elsewhere, as text: a comma if one is due and room for SIZE bytes,
 * which are few; json_text_end is told where they end. What is between is another value. */
char *json_text(struct json *j, size_t size);
static inline void json_text_end(struct json *j, const char *end)
{
    j->used = (size_t)(end - j->buffer);
    j->comma = true;
}

#endif
