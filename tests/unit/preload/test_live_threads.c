/* SPDX-License-Identifier: MIT
 *
 * The live table under threads, and while pages of it are given back.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "live_table.h"

/* Where there are more births than a line has room for, and threads that chain lines at once. */
static void *bear_and_bury(void *arg)
{
    enum { BLOCKS = 4096, TIMES = 20 };
    struct live_cache cache = LIVE_CACHE_EMPTY;
    const uintptr_t from = BASE + (uintptr_t)arg * 8;
    for (uint64_t n = 0; n < TIMES; n++) {
        for (uintptr_t i = 0; i < BLOCKS; i++) {
            const struct live_block block = {1 + (uint32_t)i, 5, (n * BLOCKS + i + 1) * UNIT,
                                             i % 2};
            struct live_block old;
            if (live_insert(&live, &cache, from + i * 32, &block, &old) != LIVE_OK) {
                return (void *)1;
            }
        }
        for (uintptr_t i = 0; i < BLOCKS; i++) {
            const uintptr_t k = (i * 1021 + n) % BLOCKS;
            struct live_block found;
            if (!live_remove(&live, &cache, from + k * 32, &found) || found.site != 1 + k ||
                found.birth != (n * BLOCKS + k + 1) * UNIT || found.thinned != (k % 2 == 1)) {
                return (void *)1;
            }
        }
    }
    return NULL;
}

static void births_of_threads_side_by_side(void **state)
{
    (void)state;
    enum { WORKERS = 4 };
    pthread_t thread[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, bear_and_bury, (void *)i), 0);
    }
    for (uintptr_t i = 0; i < WORKERS; i++) {
        void *wrong = NULL;
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
    assert_null(bear_and_bury(NULL)); /* and all room is free again */
}

enum { THREADS = 6, OWN = 512 };

struct worker {
    uintptr_t first; /* its blocks are THREADS * 32 bytes apart: next to the others' */
    size_t wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct live_cache cache = LIVE_CACHE_EMPTY;
    struct live_block block[OWN], found;
    uint64_t seed = w->first;
    memset(block, 0, sizeof block);
    for (int i = 0; i < 60000; i++) {
        size_t k = support_below(&seed, OWN);
        uintptr_t address = w->first + k * THREADS * 64;
        if (block[k].site == 0) {
            block[k] = (struct live_block){(uint32_t)(1 + support_below(&seed, 1000)),
                                           support_below(&seed, 65), 0, false};
            w->wrong += live_insert(&live, &cache, address, &block[k], &found) != LIVE_OK;
        } else {
            w->wrong += !live_remove(&live, &cache, address, &found) ||
                        found.site != block[k].site || found.size != block[k].size;
            block[k].site = 0;
        }
    }
    return NULL;
}

static void threads_work_side_by_side(void **state)
{
    (void)state;
    struct worker w[THREADS];
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        w[i] = (struct worker){.first = BASE + REGION - 40000 + i * 64 + 8 * (i % 2)};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(w[i].wrong, 0);
    }
}

/* Pages of the table that are resident. */
static size_t resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size = 0, resident = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
    fclose(f);
    return resident;
}

static void what_holds_nothing_is_given_back(void **state)
{
    (void)state;
    enum { BLOCKS = 400000, STEP = 97 };
    struct live_cache cache = LIVE_CACHE_EMPTY;
    live_set_one_each(&live);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const struct live_block block = {1 + i, i % 200, 0, false};
        insert_new(&cache, BASE + 256 * (uintptr_t)i, &block);
    }
    /* The first tenth keeps all its blocks, one in STEP is kept of the last tenth, none between. */
    size_t before = resident_pages();
    for (uint32_t i = BLOCKS / 10; i < BLOCKS; i++) {
        const struct live_block block = {1 + i, i % 200, 0, false};
        if (i < BLOCKS / 10 * 9 || i % STEP != 0) {
            remove_known(&cache, BASE + 256 * (uintptr_t)i, &block);
        }
    }
    size_t cursor = 0;
    while (!live_trim(&live, &cursor, 1000000)) {
    }
    size_t after = resident_pages(), table = (size_t)BLOCKS * 256 / 32 * sizeof(live_slot) / 4096;
    assert_true(before - after > table * 7 / 10);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const struct live_block block = {1 + i, i % 200, 0, false};
        if (i < BLOCKS / 10 || (i >= BLOCKS / 10 * 9 && i % STEP == 0)) {
            remove_known(&cache, BASE + 256 * (uintptr_t)i, &block);
        }
    }
}

static _Atomic bool stop;

static void *trim_again_and_again(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        size_t cursor = 0;
        live_trim(&live, &cursor, UINT64_MAX);
        usleep(200);
    }
    return NULL;
}

/* On until pages were given back meanwhile, however late the other thread comes to run. */
static void *come_and_go(void *arg)
{
    enum { TIMES = 50000, SWEEPS = 20 };
    struct live_cache cache = LIVE_CACHE_EMPTY;
    const uintptr_t from = BASE + (uintptr_t)arg * ((uintptr_t)3 << 20);
    uint64_t seed = (uintptr_t)arg + 1;
    for (uint32_t i = 0; i < TIMES || atomic_load(&live.sweep) < SWEEPS; i++) {
        const struct live_block block = {1 + i % TIMES, support_below(&seed, 200), 0, false};
        struct live_block found, old;
        uintptr_t address = from + 256 * (uintptr_t)support_below(&seed, 12000);
        if (live_insert(&live, &cache, address, &block, &old) != LIVE_OK ||
            !live_remove(&live, &cache, address, &found) || found.site != block.site ||
            found.size != block.size) {
            return (void *)1;
        }
    }
    return NULL;
}

/* Blocks that are put in while pages are given back are all there. */
static void nothing_is_lost_meanwhile(void **state)
{
    (void)state;
    enum { WORKERS = 3 };
    pthread_t trimmer, thread[WORKERS];
    live_set_one_each(&live);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&trimmer, NULL, trim_again_and_again, NULL), 0);
    for (uintptr_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, (void *)i), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        void *lost;
        pthread_join(thread[i], &lost);
        assert_null(lost);
    }
    atomic_store(&stop, true);
    pthread_join(trimmer, NULL);
}

int main(void)
{
#define WITH_TABLE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, live_table_setup, live_table_teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(births_of_threads_side_by_side),
        WITH_TABLE(what_holds_nothing_is_given_back),
        WITH_TABLE(nothing_is_lost_meanwhile),
        WITH_TABLE(threads_work_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
