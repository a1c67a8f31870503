/* SPDX-License-Identifier: MIT
 *
 * jansson beside the library's json.h: two functions of each have the same name, and here these are
 * the library's. Use json_stringn and json_pack for jansson's.
 * And how tests read dumps.
 */
#ifndef PARSED_H
#define PARSED_H

#include <stdio.h>
#include <stdlib.h>

#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#include "support.h"

/* A member that is an integer; 0 if it is left out. */
static inline uint64_t parsed_number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* The dump at PATH, which must be valid in itself (tests/validate_dump.py). */
static inline json_t *parsed_dump(const char *path)
{
    char command[8192];
    snprintf(command, sizeof command, "%s '%s' >&2", VALIDATE_DUMP, path);
    assert_int_equal(system(command), 0);
    json_error_t error;
    json_t *dump = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!dump) {
        fail_msg("%s: %s", path, error.text);
    }
    return dump;
}

#endif
