/* SPDX-License-Identifier: MIT
 *
 * What was handed out is filled and read back: the memory itself tells whether two blocks overlap;
 * the kernel (mincore) tells which pages are there and which have been touched.
 */
#include "arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support.h"

#define PAGE ((size_t)4096)

struct block {
    unsigned char *p;
    size_t size;
    unsigned char fill;
};

static bool all_are(const unsigned char *p, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

/* Allocates COUNT blocks from A, fills each with a value of its own, then checks them all. Returns
 * how many were wrong. */
static size_t exercise(struct arena *a, size_t count, uint64_t seed)
{
    struct block *block = malloc(count * sizeof *block);
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct block *b = &block[i];
        b->size = support_below(&seed, 100) == 0 ? support_below(&seed, 300000)
                                                 : support_below(&seed, 700);
        b->fill = (unsigned char)(1 + support_below(&seed, 255));
        b->p = arena_alloc(a, b->size);
        wrong += b->p == NULL || (uintptr_t)b->p % 64 != 0 || !all_are(b->p, b->size, 0);
        if (b->p) {
            memset(b->p, b->fill, b->size);
        }
    }
    for (size_t i = 0; i < count; i++) {
        wrong += !all_are(block[i].p, block[i].size, block[i].fill);
    }
    free(block);
    return wrong;
}

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    assert_int_equal(exercise(&a, 5000, 1), 0);
    arena_pool_clear(&pool);
}

static void empty_blocks_are_blocks(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    char *p = arena_alloc(&a, 0), *q = arena_alloc(&a, 0);
    assert_non_null(p);
    assert_non_null(q);
    assert_ptr_not_equal(p, q);
    arena_pool_clear(&pool);
}

static void absurd_sizes_fail_and_harm_nothing(void **state)
{
    (void)state;
    static const size_t absurd[] = {SIZE_MAX,         SIZE_MAX - 63,        SIZE_MAX - 4096,
                                    SIZE_MAX / 2 + 1, SIZE_MAX / 2,         SIZE_MAX / 4,
                                    (size_t)1 << 62,  ((size_t)1 << 47) * 2};
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        assert_null(arena_alloc(&a, absurd[i]));
        assert_null(arena_pool_map(&pool, absurd[i]));
    }
    assert_int_equal(pool.bytes, 0);
    assert_int_equal(exercise(&a, 100, 2), 0);
    arena_pool_clear(&pool);
}

static void small_blocks_waste_little(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    const size_t total = (size_t)64 << 20;
    for (size_t i = 0; i < total / 128; i++) {
        assert_non_null(arena_alloc(&a, 128));
    }
    assert_true(pool.bytes >= total);
    assert_true(pool.bytes <= total + total / 16);
    arena_pool_clear(&pool);
    assert_int_equal(pool.bytes, 0);
}

static void maps_are_pages_untouched(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    const size_t size = (size_t)64 << 20;
    unsigned char *p = arena_pool_map(&pool, size);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % PAGE, 0);
    static unsigned char resident[((size_t)64 << 20) / PAGE];
    assert_int_equal(mincore(p, size, resident), 0);
    assert_true(all_are(resident, sizeof resident, 0));
    p[0] = p[size - 1] = 1;
    assert_int_equal(p[PAGE], 0);
    unsigned char *q = arena_pool_map(&pool, 1);
    assert_int_equal((uintptr_t)q % PAGE, 0);
    arena_pool_clear(&pool);
}

/* Of what lies between two others only whole pages go. */
static void what_is_dropped_goes_back(void **state)
{
    (void)state;
    enum { BIG = 100 * 4096 + 64, SMALL = 64 };
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    unsigned char *before = arena_alloc(&a, SMALL), *p = arena_alloc(&a, BIG),
                  *after = arena_alloc(&a, SMALL);
    assert_non_null(after);
    memset(before, 1, SMALL);
    memset(p, 2, BIG);
    memset(after, 3, SMALL);
    const int64_t used = arena_pool_resident(&pool);
    arena_pool_drop(&pool, before, SMALL);
    assert_int_equal(arena_pool_resident(&pool), used);
    arena_pool_drop(&pool, p, BIG);
    assert_in_range(used - arena_pool_resident(&pool), BIG - 2 * PAGE, BIG);
    assert_true(all_are(before, SMALL, 1));
    assert_true(all_are(after, SMALL, 3));
    arena_pool_clear(&pool);
}

static void resident_is_what_is_used(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    assert_int_equal(arena_pool_resident(&pool), 0);
    char *p = arena_pool_map(&pool, 100 * PAGE), *q = arena_pool_map(&pool, 5000 * PAGE);
    const int64_t heads = 2 * (int64_t)PAGE;
    assert_int_equal(arena_pool_resident(&pool), heads);
    for (size_t i = 0; i < 10; i++) {
        p[i * PAGE] = q[400 * i * PAGE] = 1;
    }
    assert_int_equal(arena_pool_resident(&pool), heads + 20 * (int64_t)PAGE);
    arena_pool_clear(&pool);
    assert_int_equal(arena_pool_resident(&pool), 0);
}

/* Kernels that do not know it leave the pages as they are. */
static void what_is_filled_is_resident(void **state)
{
    (void)state;
    enum { PAGES = 40 };
    struct arena_pool pool = {.bytes = 0};
    char *p = arena_pool_map(&pool, PAGES * PAGE), *q = arena_pool_map(&pool, PAGES * PAGE);
    assert_true(p && q);
    memset(p, 1, PAGES * PAGE);
    const int64_t before = arena_pool_resident(&pool);
    arena_pool_fill(p + 100, 3 * PAGE);
    assert_int_equal(arena_pool_resident(&pool), before);
    arena_pool_fill(q + 64, 10 * PAGE);
    const int64_t more = arena_pool_resident(&pool) - before;
    if (madvise(q, PAGE, MADV_POPULATE_WRITE) == 0) {
        assert_int_equal(more, 11 * PAGE); /* those that it lies in, and no others */
    } else {
        assert_int_equal(more, 0);
    }
    for (size_t i = 0; i < PAGES * PAGE; i++) {
        assert_true(p[i] == 1 && q[i] == 0);
    }
    arena_pool_clear(&pool);
}

static void a_cleared_pool_is_unmapped(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena a = {.pool = &pool};
    /* So large that nothing else is mapped there meanwhile. */
    char *big = arena_alloc(&a, (size_t)3 << 20), *map = arena_pool_map(&pool, (size_t)5 << 20);
    unsigned char resident[2];
    char *page = (char *)(((uintptr_t)big + 2 * PAGE) & ~(PAGE - 1));
    assert_int_equal(mincore(page, PAGE, resident), 0);
    arena_pool_clear(&pool);
    assert_int_equal(mincore(page, PAGE, resident), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(mincore(map, PAGE, resident), -1);
    assert_int_equal(pool.bytes, 0);
    a = (struct arena){.pool = &pool};
    assert_int_equal(exercise(&a, 100, 3), 0);
    arena_pool_clear(&pool);
}

struct job {
    struct arena_pool *pool;
    uint64_t seed;
    size_t wrong;
};

static void *exercise_in_thread(void *arg)
{
    struct job *job = arg;
    struct arena a = {.pool = job->pool};
    job->wrong = exercise(&a, 1000, job->seed);
    for (int i = 0; i < 200; i++) {
        char *p = arena_pool_map(job->pool, PAGE);
        job->wrong += !p || *p != 0;
        if (p) {
            *p = 1;
        }
    }
    return NULL;
}

static void threads_share_a_pool(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    struct arena_pool pool = {.bytes = 0};
    struct job job[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        job[i] = (struct job){&pool, (uint64_t)i + 10, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, exercise_in_thread, &job[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(job[i].wrong, 0);
    }
    assert_true(pool.bytes >= (size_t)THREADS * 400 * PAGE);
    arena_pool_clear(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(empty_blocks_are_blocks),
        cmocka_unit_test(absurd_sizes_fail_and_harm_nothing),
        cmocka_unit_test(small_blocks_waste_little),
        cmocka_unit_test(maps_are_pages_untouched),
        cmocka_unit_test(what_is_dropped_goes_back),
        cmocka_unit_test(resident_is_what_is_used),
        cmocka_unit_test(what_is_filled_is_resident),
        cmocka_unit_test(a_cleared_pool_is_unmapped),
        cmocka_unit_test(threads_share_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
