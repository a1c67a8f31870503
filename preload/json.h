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

struct json {
    int fd;
    int error; /* 0, or the negative errno of the first write that failed */
    bool comma;
    size_t used;
    char buffer[32768];
};

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

#endif
