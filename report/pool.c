/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "die.h"
#include "memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_fatal(message) die("out of memory")
#include <uthash.h>

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct interned {
    UT_hash_handle hh;
    char text[];
};

struct pool {
    struct chunk *chunks;
    struct interned *strings;
};

struct pool *pool_new(void)
{
    return mem_zero(1, sizeof(struct pool));
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    HASH_CLEAR(hh, pool->strings);
    for (struct chunk *c = pool->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(pool);
}

static void *take(struct pool *pool, size_t size, size_t align)
{
    if (size > SIZE_MAX / 2)
        die("out of memory");
    struct chunk *c = pool->chunks;
    if (c)
        c->used = (c->used + align - 1) / align * align;
    if (!c || c->used > c->size || c->size - c->used < size) {
        size_t room = size > MEM_CHUNK / 4 ? size : MEM_CHUNK;
        struct chunk *fresh = mem_alloc(sizeof *fresh + room);
        *fresh = (struct chunk){.size = room};
        /* What fills a chunk of its own goes behind the one that still has room. */
        if (c && room == size) {
            fresh->next = c->next;
            c->next = fresh;
        } else {
            fresh->next = c;
            pool->chunks = fresh;
        }
        c = fresh;
    }
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

void *pool_zero(struct pool *pool, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        die("out of memory");
    void *p = take(pool, count * size, alignof(max_align_t));
    memset(p, 0, count * size);
    return p;
}

void *pool_bytes(struct pool *pool, size_t size)
{
    return take(pool, size, 1);
}

const char *pool_intern(struct pool *pool, const char *text)
{
    struct interned *s;
    size_t length = strlen(text);
    HASH_FIND(hh, pool->strings, text, length, s);
    if (!s) {
        s = take(pool, sizeof *s + length + 1, alignof(max_align_t));
        memcpy(s->text, text, length + 1);
        HASH_ADD_KEYPTR(hh, pool->strings, s->text, length, s);
    }
    return s->text;
}
