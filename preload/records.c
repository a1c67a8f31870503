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

/* Whether there is memory for ID. */
static bool has_chunk(struct records *r, uint32_t id)
{
    char *_Atomic *place = &r->chunk[id >> RECORDS_CHUNK_BITS];
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

uint32_t records_add(struct records *r, uint32_t max)
{
    uint32_t count = atomic_load_explicit(&r->count, memory_order_relaxed);
    do {
        if (count >= max || count >= RECORDS_MAX || !has_chunk(r, count + 1)) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&r->count, &count, count + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return count + 1;
}
