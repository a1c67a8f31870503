/* SPDX-License-Identifier: MIT */
#include "json_read.h"

#include <stdio.h>
#include <string.h>

/* `sites[3].frame` */
static const char *path_of(const struct json_reader *r, const char *key, char *buffer, size_t size)
{
    char index[32] = "";
    if (r->list && r->index != JSON_NO_INDEX)
        snprintf(index, sizeof index, "[%zu]", r->index);
    snprintf(buffer, size, "%s%s%s%s", r->list ? r->list : "", index,
             r->list && key && *key != '[' ? "." : "", key ? key : "");
    return buffer;
}

/* What a value is, in a message. */
static const char *describe(json_t *value, char *buffer, size_t size)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        snprintf(buffer, size, "an array of %zu", json_array_size(value));
        return buffer;
    case JSON_STRING:
        snprintf(buffer, size, "\"%.60s\"", json_string_value(value));
        return buffer;
    case JSON_INTEGER:
        snprintf(buffer, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return buffer;
    case JSON_REAL:
        snprintf(buffer, size, "%g", json_real_value(value));
        return buffer;
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

int json_read_refuse(struct json_reader *r, const char *key, json_t *value, const char *expected)
{
    char path[128], what[96];
    path_of(r, key, path, sizeof path);
    if (!value)
        return error_set(r->error, "%s is missing, expected %s", path, expected);
    return error_set(r->error, "%s is %s, expected %s", path, describe(value, what, sizeof what),
                     expected);
}

/* The value of KEY if it is there and not null. */
static json_t *find(struct json_reader *r, json_t *object, const char *key, enum json_need need,
                    const char *expected)
{
    json_t *value = json_object_get(object, key);
    if (value && !(json_is_null(value) && need == JSON_OPTIONAL))
        return value;
    if (need == JSON_REQUIRED && object)
        json_read_refuse(r, key, NULL, expected);
    return NULL;
}

#define COUNT "a non-negative integer"

uint64_t json_read_as_count(struct json_reader *r, const char *key, json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        json_read_refuse(r, key, value, COUNT);
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

uint64_t json_read_count(struct json_reader *r, json_t *object, const char *key,
                         enum json_need need)
{
    json_t *value = find(r, object, key, need, COUNT);
    return value ? json_read_as_count(r, key, value) : 0;
}

void json_read_counts(struct json_reader *r, json_t *object, const struct json_field *fields,
                      size_t n, enum json_need need, void *base)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t count = json_read_count(r, object, fields[i].name, need);
        memcpy((char *)base + fields[i].offset, &count, sizeof count);
    }
}

double json_read_number(struct json_reader *r, json_t *object, const char *key, double otherwise)
{
    static const char expected[] = "a number";
    json_t *value = find(r, object, key, JSON_OPTIONAL, expected);
    if (!value)
        return otherwise;
    if (!json_is_number(value)) {
        json_read_refuse(r, key, value, expected);
        return otherwise;
    }
    return json_number_value(value);
}

bool json_read_bool(struct json_reader *r, json_t *object, const char *key, enum json_need need)
{
    static const char expected[] = "true or false";
    json_t *value = find(r, object, key, need, expected);
    if (value && !json_is_boolean(value))
        json_read_refuse(r, key, value, expected);
    return json_is_true(value);
}

const char *json_read_string(struct json_reader *r, json_t *object, const char *key,
                             enum json_need need)
{
    static const char expected[] = "a string";
    json_t *value = find(r, object, key, need, expected);
    if (!value)
        return NULL;
    if (!json_is_string(value)) {
        json_read_refuse(r, key, value, expected);
        return NULL;
    }
    return pool_intern(r->pool, json_string_value(value));
}

json_t *json_read_array(struct json_reader *r, json_t *object, const char *key, enum json_need need)
{
    static const char expected[] = "an array";
    json_t *value = find(r, object, key, need, expected);
    if (value && !json_is_array(value)) {
        json_read_refuse(r, key, value, expected);
        return NULL;
    }
    return value;
}

json_t *json_read_object(struct json_reader *r, json_t *object, const char *key,
                         enum json_need need)
{
    static const char expected[] = "an object";
    json_t *value = find(r, object, key, need, expected);
    if (value && !json_is_object(value)) {
        json_read_refuse(r, key, value, expected);
        return NULL;
    }
    return value;
}

json_t *json_read_element(struct json_reader *r, json_t *array, size_t index)
{
    json_t *value = json_array_get(array, index);
    r->index = index;
    if (!json_is_object(value)) {
        json_read_refuse(r, NULL, value, "an object");
        return NULL;
    }
    return value;
}
