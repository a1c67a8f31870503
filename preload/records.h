/* SPDX-License-Identifier: MIT
 *
 * Records addressed by a dense id, that never move and are never removed. Any thread adds and
 * reads, without a lock; a handler may leave by longjmp. Records are zeroed, id 0 is never given
 * out. What is added is to be filled in and made known by whoever added it: an id up to `count` may
 * be of a record that is still, or stays, zero.
 */
#ifndef PRELOAD_RECORDS_H
#define PRELOAD_RECORDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define RECORDS_CHUNK_BITS 12
#define RECORDS_ID_BITS 24
#define RECORDS_CHUNKS ((size_t)1 << (RECORDS_ID_BITS - RECORDS_CHUNK_BITS))
#define RECORDS_MAX (((uint32_t)1 << RECORDS_ID_BITS) - 1)

struct records {
    struct arena_pool *pool;
    size_t record_size;
    char *_Atomic *chunk;   /* RECORDS_CHUNKS pointers, lazily touched */
    _Atomic uint32_t count; /* ids 1 .. count are in use */
};

/* Returns 0, or -1 without memory. */
int records_init(struct records *r, struct arena_pool *pool, size_t record_size);

/* Of an id that was read behind `count`, or from where it was made known. */
static inline void *records_at(const struct records *r, uint32_t id)
{
    return atomic_load_explicit(&r->chunk[id >> RECORDS_CHUNK_BITS], memory_order_acquire) +
           (id & ((1u << RECORDS_CHUNK_BITS) - 1)) * r->record_size;
}

/* Whether the record of ID does not lie behind that of the id before. */
static inline bool records_begins_chunk(uint32_t id)
{
    return (id & ((1u << RECORDS_CHUNK_BITS) - 1)) == 0;
}

static inline uint32_t records_count(const struct records *r)
{
    return atomic_load_explicit(&r->count, memory_order_acquire);
}

/* Adds N records, at least one. Returns the id of the first, which the others follow; 0 without
 * memory, or if there would be more than MAX. */
uint32_t records_add(struct records *r, uint32_t n, uint32_t max);

#endif
