/* SPDX-License-Identifier: MIT
 *
 * Writing JSON to a stream, value after value; commas and indentation come by themselves. What is
 * opened as JSON_ROW stays on one line. Strings are escaped (quote.h). Write errors stay in the
 * stream.
 */
#ifndef REPORT_JSON_WRITE_H
#define REPORT_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
    FILE *file;
    unsigned depth;
    unsigned inline_from; /* depth from which all is on one line; 0: nowhere */
    bool filled;          /* something precedes in the current object or array */
    bool after_key;
};

enum json_layout { JSON_BLOCK, JSON_ROW };

/* BRACKET is '{' or '['. */
void json_write_open(struct json_writer *w, char bracket, enum json_layout layout);
void json_write_close(struct json_writer *w, char bracket);
void json_write_key(struct json_writer *w, const char *key);

/* The values; with KEY not NULL, a member of an object. */
void json_write_string(struct json_writer *w, const char *key, const char *value);
void json_write_count(struct json_writer *w, const char *key, uint64_t value);
void json_write_signed(struct json_writer *w, const char *key, int64_t value);
void json_write_number(struct json_writer *w, const char *key, double value);
void json_write_bool(struct json_writer *w, const char *key, bool value);
void json_write_null(struct json_writer *w, const char *key);

/* A newline after the last value. */
void json_write_end(struct json_writer *w);

#endif
