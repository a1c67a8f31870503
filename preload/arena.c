/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "resident.h"
#include "sys.h"
#include "vault.h"

#define PAGE ((size_t)4096)
#define ALIGNMENT ((size_t)64)
#define FIRST_CHUNK ((size_t)16 << 10)
#define LAST_CHUNK ((size_t)1 << 20)

/* At the head of each chunk. Chunks that must start on a page hold it in a page of its own, since
 * what follows it is meant to be touched lazily anyway. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
};

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

/* Maps SIZE bytes, a multiple of the page size, and enters them into POOL. */
static struct arena_chunk *chunk_new(struct arena_pool *pool, size_t size)
{
    struct arena_chunk *chunk = pool->vault ? vault_map(pool->vault, size) : sys_map(size);
    if (!chunk) {
        return NULL;
    }
    chunk->size = size;
    chunk->next = atomic_load(&pool->chunks);
    while (!atomic_compare_exchange_weak(&pool->chunks, &chunk->next, chunk)) {
    }
    atomic_fetch_add(&pool->bytes, size);
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = round_up(size ? size : 1, ALIGNMENT);
    if (size > (size_t)(a->end - a->next)) {
        size_t chunk_size = a->chunk_size ? a->chunk_size : FIRST_CHUNK;
        size_t want = round_up(size + ALIGNMENT, PAGE);
        if (want < chunk_size) {
            want = chunk_size;
        }
        struct arena_chunk *chunk = chunk_new(a->pool, want);
        if (!chunk) {
            return NULL;
        }
        a->chunk_size = chunk_size < LAST_CHUNK ? chunk_size * 2 : LAST_CHUNK;
        a->next = (char *)chunk + ALIGNMENT;
        a->end = (char *)chunk + want;
    }
    void *p = a->next;
    a->next += size;
    return p;
}

void *arena_pool_map(struct arena_pool *pool, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    struct arena_chunk *chunk = chunk_new(pool, PAGE + round_up(size, PAGE));
    return chunk ? (char *)chunk + PAGE : NULL;
}

void *arena_pool_piece(struct arena_pool *pool, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    struct arena_chunk *chunk = chunk_new(pool, round_up(ALIGNMENT + size, PAGE));
    return chunk ? (char *)chunk + ALIGNMENT : NULL;
}

void arena_pool_drop(struct arena_pool *pool, void *p, size_t size)
{
    const uintptr_t start = round_up((uintptr_t)p, PAGE);
    const uintptr_t end = ((uintptr_t)p + size) & ~(PAGE - 1);
    if (start < end) {
        sys_call(SYS_madvise, (long)start, (long)(end - start),
                 pool->vault ? MADV_REMOVE : MADV_DONTNEED, 0, 0, 0);
    }
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void arena_pool_fill(void *p, size_t size)
{
    const uintptr_t start = (uintptr_t)p & ~(PAGE - 1);
    const uintptr_t end = round_up((uintptr_t)p + size, PAGE);
    /* Kernels before 5.14 do not know it: then they come by ones. */
    sys_call(SYS_madvise, (long)start, (long)(end - start), MADV_POPULATE_WRITE, 0, 0, 0);
}

int64_t arena_pool_resident(const struct arena_pool *pool)
{
    int64_t bytes = 0;
    for (struct arena_chunk *c = atomic_load(&pool->chunks); c; c = c->next) {
        const int64_t more = resident_anonymous(c, c->size);
        if (more < 0) {
            return -1;
        }
        bytes += more;
    }
    return bytes;
}

size_t arena_pool_ranges(const struct arena_pool *pool, struct arena_range *to, size_t room)
{
    size_t n = 0;
    for (struct arena_chunk *c = atomic_load(&pool->chunks); c; c = c->next) {
        if (n < room) {
            to[n] = (struct arena_range){(uintptr_t)c, (uintptr_t)c + c->size};
        }
        n++;
    }
    return n;
}

void arena_pool_clear(struct arena_pool *pool)
{
    struct arena_chunk *chunk = atomic_exchange(&pool->chunks, NULL);
    atomic_store(&pool->bytes, 0);
    while (chunk && !pool->vault) {
        struct arena_chunk *next = chunk->next;
        sys_unmap(chunk, chunk->size);
        chunk = next;
    }
}
