/* SPDX-License-Identifier: MIT
 *
 * For the slow path: records addressed by a dense id that never move, and a hash index from a
 * record's key to its id. The holder of one lock inserts; records may be read by any thread that
 * was given their id. Records are zeroed, id 0 is never given out.
 */
#ifndef PRELOAD_IDTABLE_H
#define PRELOAD_IDTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define IDTABLE_CHUNK_BITS 10
#define IDTABLE_CHUNKS ((size_t)1 << 14) /* 2^24 records */

struct idtable {
    struct arena_pool *pool;
    size_t record_size;
    char **chunk;    /* IDTABLE_CHUNKS pointers, lazily touched */
    uint32_t count;  /* ids 1 .. count are in use */
    uint32_t *index; /* open addressing: ids, and 8 bits of the hash above them */
    size_t index_mask;
};

/* Returns 0, or -1 without memory. */
int idtable_init(struct idtable *t, struct arena_pool *pool, size_t record_size);

static inline void *idtable_at(const struct idtable *t, uint32_t id)
{
    return t->chunk[id >> IDTABLE_CHUNK_BITS] +
           (id & ((1u << IDTABLE_CHUNK_BITS) - 1)) * t->record_size;
}

/* The first id whose record has HASH and matches KEY; 0 if none does. HASH_OF recomputes a record's
 * hash, for growing the index. */
struct idtable_key {
    uint64_t hash;
    const void *key;
    bool (*equal)(const void *record, const void *key);
    uint64_t (*hash_of)(const void *record);
};
uint32_t idtable_find(const struct idtable *t, const struct idtable_key *key);

/* Adds a record and indexes it under KEY. Returns its id, the record to be filled in *RECORD at
 * once; 0 without memory or when all ids are used. */
uint32_t idtable_add(struct idtable *t, const struct idtable_key *key, void **record);

#endif
