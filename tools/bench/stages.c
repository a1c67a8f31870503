/* SPDX-License-Identifier: MIT
 *
 * What the stages of recording cost by themselves, against the alternatives to them:
 *
 *   capture   a stack of DEPTH frames: cached rules, against libunwind's own unw_backtrace
 *   live      insert and remove a block among 1,000,000: address regions, against uthash with a
 *             struct per block and against open addressing
 *
 * Each is run in turn with its alternatives, several times; the medians are printed, and what a
 * machine was busy with meanwhile shows in all of them. For counts of instructions run it under
 * `valgrind --tool=callgrind` with the name of one variant: stages rules|backtrace|regions|uthash|
 * open.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "live.h"
#include "objects.h"
#include "rules.h"
#include "stack.h"

#define ROUNDS 7
#define DEPTH 16
#define CAPTURES 200000
#define BLOCKS ((size_t)1000000)
#define CHURN ((size_t)1000000)

static struct arena_pool pool;
static struct rules rules;
static struct stack stack;
static int (*plain_backtrace)(void **, int);

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *map_pool(size_t size)
{
    return arena_pool_map(&pool, size);
}

static __attribute__((noinline)) void capture_rules(void)
{
    const struct stack_start start = {
        .ip = (uintptr_t)__builtin_return_address(0),
        .sp = (uintptr_t)__builtin_dwarf_cfa(),
        .bp = *(const uintptr_t *)__builtin_frame_address(0),
    };
    for (int i = 0; i < CAPTURES; i++) {
        stack_capture(&stack, &rules, 0, &start);
    }
}

static __attribute__((noinline)) void capture_backtrace(void)
{
    void *ip[256];
    for (int i = 0; i < CAPTURES; i++) {
        plain_backtrace(ip, 256);
    }
}

/* Runs CAPTURE below DEPTH more frames. */
static __attribute__((noinline)) void descend(int depth, void (*capture)(void))
{
    if (depth > 0) {
        descend(depth - 1, capture);
    } else {
        capture();
    }
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static void run_rules(void)
{
    descend(DEPTH, capture_rules);
}

static void run_backtrace(void)
{
    descend(DEPTH, capture_backtrace);
}

/* The addresses of blocks as an allocator gives them, and the order in which they are replaced. */
static uintptr_t address[BLOCKS];
static uint32_t order[CHURN];

static void make_blocks(void)
{
    uintptr_t next = (uintptr_t)0x560000000000;
    uint32_t seed = 1;
    for (size_t i = 0; i < BLOCKS; i++) {
        seed = seed * 1664525 + 1013904223;
        address[i] = next;
        next += 32 + (seed >> 27) * 16;
    }
    for (size_t i = 0; i < CHURN; i++) {
        seed = seed * 1664525 + 1013904223;
        /* Mostly recent blocks, as programs free them. */
        order[i] = (uint32_t)((i + (seed >> 22)) % BLOCKS);
    }
}

static void run_regions(void)
{
    static struct live live;
    static struct live_cache cache;
    const struct live_block block = {.site = 7, .size = 48, .birth = 1000};
    struct live_block old;
    if (!live.pool) {
        live_init(&live, &pool);
        for (size_t i = 0; i < BLOCKS; i++) {
            live_insert(&live, &cache, address[i], &block, &old);
        }
    }
    for (size_t i = 0; i < CHURN; i++) {
        live_remove(&live, &cache, address[order[i]], &old);
        live_insert(&live, &cache, address[order[i]], &block, &old);
    }
}

struct hashed {
    uintptr_t address;
    struct live_block block;
    UT_hash_handle hh;
};

static void run_uthash(void)
{
    static struct hashed *table;
    static struct hashed *entry;
    if (!entry) {
        entry = calloc(BLOCKS, sizeof *entry);
        for (size_t i = 0; entry && i < BLOCKS; i++) {
            entry[i].address = address[i];
            HASH_ADD(hh, table, address, sizeof entry[i].address, &entry[i]);
        }
    }
    for (size_t i = 0; i < CHURN; i++) {
        struct hashed *found;
        HASH_FIND(hh, table, &address[order[i]], sizeof(uintptr_t), found);
        if (found) {
            HASH_DEL(table, found);
            HASH_ADD(hh, table, address, sizeof found->address, found);
        }
    }
}

/* Linear probing over all addresses, with deletion by shifting back (Knuth, TAOCP 3, 6.4 R). */
#define OPEN_SLOTS ((size_t)1 << 21)
#define OPEN_MASK (OPEN_SLOTS - 1)

static struct open_slot {
    uintptr_t address;
    struct live_block block;
} * open_slots;

static size_t open_start(uintptr_t a)
{
    return (a * 0x9e3779b97f4a7c15u) >> 40 & OPEN_MASK;
}

static void open_insert(uintptr_t a, const struct live_block *block)
{
    size_t at = open_start(a);
    while (open_slots[at].address) {
        at = (at + 1) & OPEN_MASK;
    }
    open_slots[at] = (struct open_slot){a, *block};
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

static void run_open(void)
{
    const struct live_block block = {.site = 7, .size = 48, .birth = 1000};
    if (!open_slots) {
        open_slots = map_pool(OPEN_SLOTS * sizeof *open_slots);
        for (size_t i = 0; open_slots && i < BLOCKS; i++) {
            open_insert(address[i], &block);
        }
    }
    for (size_t i = 0; open_slots && i < CHURN; i++) {
        open_remove(address[order[i]]);
        open_insert(address[order[i]], &block);
    }
}

static const struct variant {
    const char *name, *what;
    void (*run)(void);
    double per_run;
} variants[] = {
    {"rules", "capture by cached rules", run_rules, CAPTURES},
    {"backtrace", "capture by unw_backtrace", run_backtrace, CAPTURES},
    {"regions", "live table of address regions", run_regions, (double)CHURN},
    {"open", "live table by open addressing", run_open, (double)CHURN},
    {"uthash", "live table of uthash", run_uthash, (double)CHURN},
};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int start(void)
{
    const char *why;
    objects_start();
    struct unwinder *u = unwinder_load(map_pool, &why);
    void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (!u || !handle) {
        fprintf(stderr, "stages: libunwind: %s\n", u ? dlerror() : why);
        return -1;
    }
    *(void **)&plain_backtrace = dlsym(handle, "unw_backtrace");
    rules_init(&rules, u, &pool);
    void *memory = map_pool(stack_memory(256));
    if (!memory || !plain_backtrace) {
        return -1;
    }
    stack_init(&stack, 256, memory);
    stack_find_bounds(&stack, true);
    make_blocks();
    return 0;
}

int main(int argc, char **argv)
{
    double ns[VARIANTS][ROUNDS];
    if (start() < 0) {
        return 1;
    }
    for (int i = 0; argc > 1 && i < VARIANTS; i++) {
        if (strcmp(argv[1], variants[i].name) == 0) {
            variants[i].run();
            return 0;
        }
    }
    for (int round = -1; round < ROUNDS; round++) {
        for (int i = 0; i < VARIANTS; i++) {
            double before = now_ns();
            variants[i].run();
            if (round >= 0) {
                ns[i][round] = (now_ns() - before) / variants[i].per_run;
            }
        }
    }
    for (int i = 0; i < VARIANTS; i++) {
        qsort(ns[i], ROUNDS, sizeof ns[i][0], compare);
        printf("%-32s %8.1f ns (%.1f to %.1f)\n", variants[i].what, ns[i][ROUNDS / 2], ns[i][0],
               ns[i][ROUNDS - 1]);
    }
    return 0;
}
