/* SPDX-License-Identifier: MIT
 *
 * Typed access to parsed JSON. Whatever is not as expected is said by its path in the document:
 * `totals.peak_bytes is -5, expected a non-negative integer`. The first error wins and the
 * functions go on returning harmless values, so that a reader may check once for many keys.
 */
#ifndef REPORT_JSON_READ_H
#define REPORT_JSON_READ_H

#include "error.h"
#include "pool.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_NO_INDEX SIZE_MAX

struct json_reader {
    struct error *error;
    struct pool *pool; /* strings are interned here */
    /* Where we are: `list[index]`, or `list` without an index, or the top. */
    const char *list;
    size_t index;
};

/* The functions look KEY up in OBJECT. If it is not there, REQUIRED makes that an error; otherwise
 * they return 0, NULL or "" as their kind has it. A null counts as absent. */
enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

uint64_t json_read_count(struct json_reader *r, json_t *object, const char *key,
                         enum json_need need);
/* Members of one object that are counts: each with its place in a struct, a uint64_t. */
struct json_field {
    const char *name;
    size_t offset;
};

/* Reads all N of FIELDS into the struct at BASE. */
void json_read_counts(struct json_reader *r, json_t *object, const struct json_field *fields,
                      size_t n, enum json_need need, void *base);

double json_read_number(struct json_reader *r, json_t *object, const char *key, double otherwise);
bool json_read_bool(struct json_reader *r, json_t *object, const char *key, enum json_need need);
/* NULL if absent. */
const char *json_read_string(struct json_reader *r, json_t *object, const char *key,
                             enum json_need need);
json_t *json_read_array(struct json_reader *r, json_t *object, const char *key,
                        enum json_need need);
json_t *json_read_object(struct json_reader *r, json_t *object, const char *key,
                         enum json_need need);

/* Element INDEX of ARRAY, which is the list that R is in, and which must be an object. NULL if it
 * is not. */
json_t *json_read_element(struct json_reader *r, json_t *array, size_t index);

/* VALUE, which is at KEY, as a count; 0 if it is none. */
uint64_t json_read_as_count(struct json_reader *r, const char *key, json_t *value);

/* VALUE is at KEY (may be NULL: the element itself) below where R is; says that it is not what was
 * EXPECTED. Returns -1. */
int json_read_refuse(struct json_reader *r, const char *key, json_t *value, const char *expected);

#endif
