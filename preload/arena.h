/* SPDX-License-Identifier: MIT
 *
 * Memory of the profiler's own: mmap'd chunks, handed out by bumping a pointer, never given back
 * one by one. A pool is a set of chunks that end together; an arena allocates from one pool, and
 * one thread (or the holder of one lock) at a time uses an arena. Pools may be shared by any number
 * of threads. Works in a signal handler. Fails, with NULL, only when the kernel gives no memory.
 */
#ifndef PRELOAD_ARENA_H
#define PRELOAD_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct vault;

/* Zero-initialised is empty. */
struct arena_pool {
    struct arena_chunk *_Atomic chunks;
    _Atomic size_t bytes; /* of address space, all chunks */
    struct vault *vault;  /* where chunks are taken from; NULL: private memory */
};

/* Zero-initialised but for `pool` is ready. Chunks start small and double up to 1 MiB. */
struct arena {
    struct arena_pool *pool;
    char *next, *end;
    size_t chunk_size;
};

/* SIZE zeroed bytes, aligned to 64 (a cache line). */
void *arena_alloc(struct arena *a, size_t size);

/* A chunk of its own: zeroed, page-aligned, its pages touched only when used. */
void *arena_pool_map(struct arena_pool *pool, size_t size);

/* The same for what need not begin on a page: without the page that the chunk's head takes. */
void *arena_pool_piece(struct arena_pool *pool, size_t size);

/* All of the SIZE bytes at P, from any of these, will be written to soon, and not in a row: their
 * pages are asked for at once. By ones many would be asked for twice, first to be read. */
void arena_pool_fill(void *p, size_t size);

/* The SIZE bytes at P, from any of these, will not be used any more: the pages that are theirs
 * alone go back to the kernel. Smaller things stay as they are. */
void arena_pool_drop(struct arena_pool *pool, void *p, size_t size);

/* Resident bytes of all chunks; -1 if the kernel does not tell. Others may be allocating. */
int64_t arena_pool_resident(const struct arena_pool *pool);

/* Where the chunks lie: at most ROOM of them into TO, which may be NULL. Returns how many there
 * are. */
struct arena_range {
    uintptr_t start, end;
};
size_t arena_pool_ranges(const struct arena_pool *pool, struct arena_range *to, size_t room);

/* Unmaps every chunk, but leaves those of a vault, which ends as a whole. Nothing that was
 * allocated from the pool may be used after. */
void arena_pool_clear(struct arena_pool *pool);

#endif
