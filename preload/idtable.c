/* SPDX-License-Identifier: MIT */
#include "idtable.h"

#define CHUNK_RECORDS ((size_t)1 << IDTABLE_CHUNK_BITS)
#define FIRST_INDEX ((size_t)1 << 10)

/* An entry of the index. Of those on the way to the right one nearly all differ in the bits of the
 * hash already, so that their records need not be read from far away. */
#define ID_BITS 24
#define ID_MASK (((uint32_t)1 << ID_BITS) - 1)
_Static_assert(IDTABLE_CHUNKS << IDTABLE_CHUNK_BITS == (size_t)1 << ID_BITS, "ids fit");

static uint32_t hash_bits(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~ID_MASK;
}

int idtable_init(struct idtable *t, struct arena_pool *pool, size_t record_size)
{
    *t = (struct idtable){.pool = pool, .record_size = record_size};
    t->chunk = arena_pool_piece(pool, IDTABLE_CHUNKS * sizeof *t->chunk);
    t->index = arena_pool_piece(pool, FIRST_INDEX * sizeof *t->index);
    t->index_mask = FIRST_INDEX - 1;
    return t->chunk && t->index ? 0 : -1;
}

uint32_t idtable_find(const struct idtable *t, const struct idtable_key *key)
{
    const uint32_t bits = hash_bits(key->hash);
    for (size_t i = key->hash & t->index_mask; t->index[i] != 0; i = (i + 1) & t->index_mask) {
        const uint32_t id = t->index[i] & ID_MASK;
        if ((t->index[i] & ~ID_MASK) == bits && key->equal(idtable_at(t, id), key->key)) {
            return id;
        }
    }
    return 0;
}

static void index_put(struct idtable *t, uint64_t hash, uint32_t id)
{
    size_t i = hash & t->index_mask;
    while (t->index[i] != 0) {
        i = (i + 1) & t->index_mask;
    }
    t->index[i] = id | hash_bits(hash);
}

static int index_reserve(struct idtable *t, const struct idtable_key *key)
{
    if ((size_t)t->count * 2 < t->index_mask) {
        return 0;
    }
    size_t size = (t->index_mask + 1) * 2;
    uint32_t *index = arena_pool_piece(t->pool, size * sizeof *index);
    if (!index) {
        return (size_t)t->count + 1 < t->index_mask ? 0 : -1; /* fuller, but it still works */
    }
    uint32_t *old = t->index;
    t->index = index;
    t->index_mask = size - 1;
    for (uint32_t id = 1; id <= t->count; id++) {
        index_put(t, key->hash_of(idtable_at(t, id)), id);
    }
    arena_pool_drop(t->pool, old, size / 2 * sizeof *old);
    return 0;
}

uint32_t idtable_add(struct idtable *t, const struct idtable_key *key, void **record)
{
    uint32_t id = t->count + 1;
    size_t c = id >> IDTABLE_CHUNK_BITS;
    if (c >= IDTABLE_CHUNKS || index_reserve(t, key) < 0) {
        return 0;
    }
    if (!t->chunk[c]) {
        t->chunk[c] = arena_pool_piece(t->pool, CHUNK_RECORDS * t->record_size);
        if (!t->chunk[c]) {
            return 0;
        }
    }
    t->count = id;
    index_put(t, key->hash, id);
    *record = idtable_at(t, id);
    return id;
}
