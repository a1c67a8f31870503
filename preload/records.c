/* SPDX-License-Identifier: MIT */
#include "records.h"

#include "sys.h"

#define CHUNK_RECORDS ((size_t)1 << RECORDS_CHUNK_BITS)

int records_init(struct records *r, struct arena_pool *pool, size_t record_size)
{
    *r = (struct records){.pool = pool, .record_size = record_size};
    r->chunk = arena_pool_piece(pool, RECORDS_CHUNKS * sizeof *r->chunk);
    return r->chunk ? 0 : -1;
}

/* Whether there is memory for the records of chunk C. */
static bool has_chunk(struct records *r, uint32_t c)
{
    char *_Atomic *place = &r->chunk[c];
    char *none = NULL;
    if (likely(atomic_load_explicit(place, memory_order_acquire) != NULL)) {
        return true;
    }
    const size_t size = CHUNK_RECORDS * r->record_size;
    char *chunk = arena_pool_piece(r->pool, size);
    if (!chunk) {
        return false;
    }
    if (!atomic_compare_exchange_strong(place, &none, chunk)) {
        arena_pool_drop(r->pool, chunk, size); /* another thread's was first */
    }
    return true;
}

/* Whether there is memory for the ids from FIRST to LAST. */
static bool has_chunks(struct records *r, uint32_t first, uint32_t last)
{
    for (uint32_t c = first >> RECORDS_CHUNK_BITS; c <= last >> RECORDS_CHUNK_BITS; c++) {
        if (!has_chunk(r, c)) {
            return false;
        }
    }
    return true;
}

uint32_t records_add(struct records *r, uint32_t n, uint32_t max)
{
    uint32_t count = atomic_load_explicit(&r->count, memory_order_relaxed);
    max = max < RECORDS_MAX ? max : RECORDS_MAX;
    do {
        if (count > max || n > max - count || !has_chunks(r, count + 1, count + n)) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&r->count, &count, count + n,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return count + 1;
}
