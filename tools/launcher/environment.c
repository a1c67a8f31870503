/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include "memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct environment *e, char *entry)
{
    e->entries = mem_grow(e->entries, &e->capacity, e->n + 2, sizeof *e->entries);
    e->entries[e->n++] = entry;
    e->entries[e->n] = NULL;
}

void environment_begin(struct environment *environment, char **from)
{
    *environment = (struct environment){0};
    environment->entries = mem_grow(NULL, &environment->capacity, 1, sizeof *environment->entries);
    environment->entries[0] = NULL;
    for (; from && *from; from++)
        append(environment, *from);
}

void environment_end(struct environment *environment)
{
    for (size_t i = 0; i < environment->nowned; i++)
        free(environment->owned[i]);
    free(environment->owned);
    free(environment->entries);
    *environment = (struct environment){0};
}

static char **find(const struct environment *e, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < e->n; i++)
        if (strncmp(e->entries[i], name, length) == 0 && e->entries[i][length] == '=')
            return &e->entries[i];
    return NULL;
}

const char *environment_get(const struct environment *environment, const char *name)
{
    char **entry = find(environment, name);
    return entry ? *entry + strlen(name) + 1 : NULL;
}

void environment_set(struct environment *environment, const char *name, const char *value)
{
    struct environment *e = environment;
    size_t size = strlen(name) + strlen(value) + 2;
    char *made = mem_alloc(size), **entry = find(e, name);
    snprintf(made, size, "%s=%s", name, value);
    e->owned = mem_grow(e->owned, &e->owned_capacity, e->nowned + 1, sizeof *e->owned);
    e->owned[e->nowned++] = made;
    if (entry)
        *entry = made;
    else
        append(e, made);
}

/* Whether LIST, as ld.so(8) reads it, names PATH. */
static bool names(const char *list, const char *path)
{
    size_t length = strlen(path);
    while (*list) {
        size_t n = strcspn(list, " :");
        if (n == length && memcmp(list, path, n) == 0)
            return true;
        list += n + (list[n] != '\0');
    }
    return false;
}

void environment_preload(struct environment *environment, const char *library)
{
    const char *present = environment_get(environment, "LD_PRELOAD");
    if (!present || !*present) {
        environment_set(environment, "LD_PRELOAD", library);
    } else if (!names(present, library)) {
        size_t size = strlen(library) + strlen(present) + 2;
        char *list = mem_alloc(size);
        snprintf(list, size, "%s:%s", library, present);
        environment_set(environment, "LD_PRELOAD", list);
        free(list);
    }
}
