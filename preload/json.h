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

#include "sys.h"

struct json {
    int fd;
    const struct sys_identity *identity; /* what it must be to be written to; NULL: anything */
    int error; /* 0, or the negative errno of the first write that failed */
    bool comma;
    size_t used;
    char buffer[65536];
};

/* Digits that a number has at the most, and bytes that json_digits may write. */
#define JSON_DIGITS ((size_t)20)

/* The eight digits of N, below 10^8, the first one in the lowest byte: halves, then pairs, then
 * digits are taken apart side by side. */
static inline uint64_t json_eight(uint32_t n)
{
    const uint64_t fours = n / 10000 | (uint64_t)(n % 10000) << 32;
    const uint64_t hundreds = (fours * 5243 >> 19) & 0x7f0000007fu;
    const uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    const uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000fu;
    return tens | (twos - tens * 10) << 8;
}

#define JSON_EIGHT 100000000u
#define JSON_ZEROS 0x3030303030303030u

/* As json_digits, for 10^8 and more. */
char *json_many_digits(char *to, uint64_t n);

/* Writes N at TO, where there is room for JSON_DIGITS; returns its end. */
static inline char *json_digits(char *to, uint64_t n)
{
    if (n < 10) {
        *to = (char)('0' + n);
        return to + 1;
    }
    if (n >= JSON_EIGHT) {
        return json_many_digits(to, n);
    }
    const uint64_t digits = json_eight((uint32_t)n);
    const unsigned zeros = (unsigned)__builtin_ctzll(digits) / 8;
    const uint64_t text = (digits | JSON_ZEROS) >> zeros * 8;
    memcpy(to, &text, sizeof text);
    return to + (sizeof text - zeros);
}

/* What is written to FD is kept in a buffer for as long as it has room. */
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
