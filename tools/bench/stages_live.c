/* SPDX-License-Identifier: MIT
 *
 * The stages that look things up: the site of a stack, and the live blocks, in address regions and
 * in the tables that could stand in their place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "count.h"
#include "live.h"
#include "parts.h"
#include "stages.h"
#include "thread.h"

#define BLOCKS ((size_t)1000000)
#define SITES 4096
#define OPERATIONS ((size_t)1000000)

/* The addresses of blocks as an allocator gives them, and the order in which they are replaced. */
static uintptr_t address[BLOCKS];
static uint32_t order[BLOCKS];

static const struct live_block block = {.site = 7, .size = 48, .birth = 1000};

/* The live table, as it is in a program of one thread with glibc's blocks, and as it is with those
 * of other allocators, which may share slots. */
static struct table {
    struct live live;
    struct live_cache cache;
} own, crowded;

static void make_blocks(void)
{
    uintptr_t next = (uintptr_t)0x560000000000;
    uint32_t seed = 1;
    for (size_t i = 0; i < BLOCKS; i++) {
        seed = seed * 1664525 + 1013904223;
        address[i] = next;
        next += 32 + (seed >> 27) * 16;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        seed = seed * 1664525 + 1013904223;
        /* Mostly recent blocks, as programs free them. */
        order[i] = (uint32_t)((i + (seed >> 22)) % BLOCKS);
    }
}

/* As event_alloc does: of one block in COUNT_THIN, which is number I, the birth is kept. */
static inline __attribute__((always_inline)) void put(struct table *t, uintptr_t a, size_t i)
{
    struct live_block old;
    const bool measured = i % COUNT_THIN == 0;
    const uint32_t word =
        live_word(a, block.site) | live_word_of_size(block.size) | (measured ? LIVE_MEASURED : 0);
    live_put(&t->live, &t->cache, a, word, block.size, &old);
    if (unlikely(measured)) {
        live_put_birth(&t->live, &t->cache, a, live_stamp(block.birth, true), true);
    }
}

/* As quick_free does. */
static inline __attribute__((always_inline)) void take(struct table *t, uintptr_t a)
{
    struct live_block old;
    const struct live_taken taken = live_take(&t->cache, a);
    if (unlikely(taken.word == 0)) {
        live_remove_slow(&t->live, &t->cache, a, &old);
    }
}

/* All blocks in the table. */
static void fill(struct table *t)
{
    if (!t->live.pool) {
        make_blocks();
        live_init(&t->live, &stages_pool);
        if (t == &own) {
            live_set_one_each(&t->live);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        put(t, address[i], i);
    }
}

static void prepare_full(void)
{
    fill(&own);
}

/* None in it, but its memory is there. */
static void prepare_empty(void)
{
    prepare_full();
    for (size_t i = 0; i < BLOCKS; i++) {
        take(&own, address[i]);
    }
}

static void run_insert(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(&own, address[i % BLOCKS], i);
    }
}

static void run_remove(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        take(&own, address[i % BLOCKS]);
    }
}

static inline __attribute__((always_inline)) void replace(struct table *t, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uintptr_t a = address[order[i % BLOCKS]];
        take(t, a);
        put(t, a, i);
    }
}

static void run_replace(size_t count)
{
    replace(&own, count);
}

static void prepare_crowded(void)
{
    fill(&crowded);
}

static void run_crowded(size_t count)
{
    replace(&crowded, count);
}

struct hashed {
    uintptr_t address;
    struct live_block block;
    UT_hash_handle hh;
};

static struct hashed *uthash_table;

static void prepare_uthash(void)
{
    static struct hashed *entry;
    if (entry) {
        return;
    }
    make_blocks();
    entry = calloc(BLOCKS, sizeof *entry);
    for (size_t i = 0; entry && i < BLOCKS; i++) {
        entry[i].address = address[i];
        entry[i].block = block;
        HASH_ADD(hh, uthash_table, address, sizeof entry[i].address, &entry[i]);
    }
}

static void run_uthash(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hashed *found;
        HASH_FIND(hh, uthash_table, &address[order[i % BLOCKS]], sizeof(uintptr_t), found);
        if (found) {
            HASH_DEL(uthash_table, found);
            HASH_ADD(hh, uthash_table, address, sizeof found->address, found);
        }
    }
}

/* Linear probing over all addresses, with deletion by shifting back (Knuth, TAOCP 3, 6.4 R). */
#define OPEN_BITS 21
#define OPEN_SLOTS ((size_t)1 << OPEN_BITS)
#define OPEN_MASK (OPEN_SLOTS - 1)

static struct open_slot {
    uintptr_t address;
    struct live_block block;
} * open_slots;

static size_t open_start(uintptr_t a)
{
    return (a * 0x9e3779b97f4a7c15u) >> (64 - OPEN_BITS);
}

static void open_insert(uintptr_t a)
{
    size_t at = open_start(a);
    while (open_slots[at].address) {
        at = (at + 1) & OPEN_MASK;
    }
    open_slots[at] = (struct open_slot){a, block};
}

static void open_remove(uintptr_t a)
{
    size_t hole = open_start(a);
    while (open_slots[hole].address != a) {
        hole = (hole + 1) & OPEN_MASK;
    }
    for (size_t at = (hole + 1) & OPEN_MASK; open_slots[at].address; at = (at + 1) & OPEN_MASK) {
        size_t wanted = open_start(open_slots[at].address);
        if (((at - wanted) & OPEN_MASK) >= ((at - hole) & OPEN_MASK)) {
            open_slots[hole] = open_slots[at];
            hole = at;
        }
    }
    open_slots[hole].address = 0;
}

static void prepare_open(void)
{
    if (open_slots) {
        return;
    }
    make_blocks();
    open_slots = stages_map(OPEN_SLOTS * sizeof *open_slots);
    for (size_t i = 0; i < BLOCKS; i++) {
        open_insert(address[i]);
    }
}

static void run_open(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        open_remove(address[order[i % BLOCKS]]);
        open_insert(address[order[i % BLOCKS]]);
    }
}

static struct arena_pool thread_pools[PARTS];
static struct thread *thread;
static uint64_t hash[SITES];

static void prepare_sites(void)
{
    uint64_t h = 1;
    if (thread) {
        return;
    }
    thread = thread_new(thread_pools, 16);
    for (uint32_t i = 0; thread && i < SITES; i++) {
        hash[i] = h = h * 6364136223846793005u + 1442695040888963407u;
        thread_remember(thread, h, thread_shard(thread, i + 1, 0));
    }
    if (!thread || !thread_find(thread, hash[SITES - 1])) {
        fputs("stages: out of memory\n", stderr);
        exit(1);
    }
}

static void run_lookup(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stages_sink += shard_site(thread_find(thread, hash[i * 7 % SITES]));
    }
}

const struct stage stages_live[] = {
    {"lookup", "", "find the site of a stack by its hash, among 4,096", prepare_sites, run_lookup,
     OPERATIONS},
    {"insert", "", "live block: insert", prepare_empty, run_insert, BLOCKS},
    {"remove", "", "live block: remove", prepare_full, run_remove, BLOCKS},
    {"replace", "", "live block: remove and insert, among 1,000,000", prepare_full, run_replace,
     OPERATIONS},
    {"crowded", "", "the same where blocks may share slots", prepare_crowded, run_crowded,
     OPERATIONS},
    {"open", "", "the same in a table with open addressing", prepare_open, run_open, OPERATIONS},
    {"uthash", "", "the same in uthash, with a struct per block", prepare_uthash, run_uthash,
     OPERATIONS},
    {0},
};
