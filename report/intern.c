/* SPDX-License-Identifier: MIT */
#include "intern.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    char text[];
};

struct intern {
    struct entry *entries;
};

struct intern *intern_new(void)
{
    return calloc(1, sizeof(struct intern));
}

void intern_free(struct intern *t)
{
    if (!t)
        return;
    struct entry *e = t->entries;
    HASH_CLEAR(hh, t->entries); /* leaves the entries, and their links */
    for (struct entry *next; e; e = next) {
        next = e->hh.next;
        free(e);
    }
    free(t);
}

const char *intern_bytes(struct intern *t, const char *text, size_t length)
{
    struct entry *e = NULL;
    HASH_FIND(hh, t->entries, text, length, e);
    if (e)
        return e->text;
    e = calloc(1, sizeof *e + length + 1);
    if (!e)
        return NULL;
    memcpy(e->text, text, length);
    HASH_ADD(hh, t->entries, text, length, e);
    if (!e->hh.tbl) { /* what uthash leaves behind without memory */
        free(e);
        return NULL;
    }
    return e->text;
}

const char *intern_string(struct intern *t, const char *text)
{
    return intern_bytes(t, text, strlen(text));
}

const char *intern_take(struct intern *t, char *text)
{
    const char *kept = text ? intern_string(t, text) : NULL;
    free(text);
    return kept;
}
