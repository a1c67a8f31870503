/* SPDX-License-Identifier: MIT
 *
 * A JSON document read from front to back, of which only the piece at hand is in memory: the caller
 * walks into the objects and arrays that may be large and takes what is in them value by value.
 * Whatever is odd about a value is left to jansson, which gets that value alone; plain integers,
 * arrays of them and plain strings, which most of a dump is, are read here. Errors name the line
 * and column in the whole document; after one in the syntax or in reading, `broken` is set and
 * nothing more can be read. A dump may not nest deeper than JSON_STREAM_DEPTH. Not thread-safe.
 */
#ifndef REPORT_JSON_STREAM_H
#define REPORT_JSON_STREAM_H

#include "error.h"
#include "input.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_STREAM_DEPTH 2048
#define JSON_STREAM_KEY                                                                            \
    64 /* bytes of a key or plain string, with the 0; no known one is longer                       \
        */
#define JSON_STREAM_PIECE_MAX ((size_t)64 << 20)

/* What is read whole may hold so many values, and one more for each so many bytes: memory is then
 * in proportion to the text. */
#define JSON_STREAM_VALUES_MAX ((size_t)64 << 10)
#define JSON_STREAM_VALUE_BYTES 16

struct json_stream {
    struct input *input;
    struct error *error;
    const char *document; /* what errors say it should be; "memprof dump" if nobody changes it */
    bool broken;
    bool ended; /* the input has no more than what is in the buffer */
    char *buffer;
    size_t capacity, at, end;
    /* Of the character before buffer[counted], which was consumed. */
    uint64_t line, column;
    size_t counted;
    size_t depth; /* objects and arrays that we are in */
    char key[JSON_STREAM_KEY];
    uint8_t within[JSON_STREAM_DEPTH]; /* what we are in, outermost first */
};

/* Reads INPUT, which must outlive it. Does not fail. */
struct json_stream *json_stream_new(struct input *input, struct error *error);
void json_stream_free(struct json_stream *s);

/* The next character that is not blank, not consumed; -1 at the end or when reading failed, which
 * `broken` tells apart. */
int json_stream_peek(struct json_stream *s);

/* Sets *LINE and *COLUMN, from 1, to where the next character is. */
void json_stream_where(struct json_stream *s, uint64_t *line, uint64_t *column);

/* Goes into the object or array that begins here. Returns 0, or -1. */
int json_stream_enter(struct json_stream *s);

/* The next thing in what was entered. Returns 1 at an element, or, `key` being set, at a member's
 * value, which must then be consumed; 0 at the end, which is left; -1 on an error. */
int json_stream_next(struct json_stream *s);

/* Passes over what is left of what was entered, until DEPTH levels are. Returns 0, or -1. */
int json_stream_leave(struct json_stream *s, size_t depth);

/* Passes over a value without keeping it, however large. Returns 0, or -1. */
int json_stream_skip(struct json_stream *s);

/* The whole value that begins here, of at most JSON_STREAM_PIECE_MAX bytes, and not of too many
 * values. Duplicate members are an error. NULL on an error. */
json_t *json_stream_value(struct json_stream *s);

/* A plain integer, of 18 digits at most, into *VALUE. Returns false, and has consumed nothing, if
 * that is not what is here. */
bool json_stream_integer(struct json_stream *s, int64_t *value);

/* An array of at most MAX such integers into VALUES. Returns how many; -1, and has consumed
 * nothing, if that is not what is here. */
int json_stream_integers(struct json_stream *s, int64_t *values, size_t max);

/* A plain string shorter than JSON_STREAM_KEY into TEXT. Returns false, and has consumed nothing,
 * if that is not what is here. */
bool json_stream_text(struct json_stream *s, char text[JSON_STREAM_KEY]);

/* For json_plain.c: that many bytes hold any value that is read there. */
#define JSON_STREAM_PLENTY ((size_t)4 << 10)

/* Has SIZE bytes ready, if the input has them. Returns 0, or -1. */
int json_stream_want(struct json_stream *s, size_t size);

static inline bool json_stream_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Says that what is here, at the last key, is no valid JSON: WRONG. Returns -1. */
int json_stream_refuse_key(struct json_stream *s, const char *wrong);

/* Only blanks may be left. Returns 0, or -1. */
int json_stream_end(struct json_stream *s);

#endif
