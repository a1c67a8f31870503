/* SPDX-License-Identifier: MIT
 *
 * The static buffer is shared by all tests here and never given back: their order does not matter,
 * but each finds it as the one before left it.
 */
#include "bootstrap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static bool all_are(const char *p, size_t size, char value)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

/* A block that is as it should be when it is new. */
static char *good_block(size_t size, size_t alignment)
{
    char *p = bootstrap_alloc(size, alignment);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % (alignment < 16 ? 16 : alignment), 0);
    assert_int_equal(bootstrap_size(p), size);
    assert_true(bootstrap_owns(p));
    assert_true(all_are(p, size, 0));
    return p;
}

static void alignments_are_kept(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= (size_t)1 << 16; alignment *= 2) {
        memset(good_block(100, alignment), 'a', 100);
        memset(good_block(1, alignment), 'b', 1);
    }
}

static void sizes_are_remembered(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct {
        char *p;
        size_t size;
    } block[COUNT];
    uint64_t seed = 5;
    for (int i = 0; i < COUNT; i++) {
        block[i].size = 1 + support_below(&seed, 300);
        block[i].p = good_block(block[i].size, 16);
        memset(block[i].p, 'A' + i % 26, block[i].size);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(bootstrap_size(block[i].p), block[i].size);
        assert_true(all_are(block[i].p, block[i].size, (char)('A' + i % 26)));
    }
}

static void a_mebibyte_in_pieces(void **state)
{
    (void)state;
    enum { PIECES = 10000, SIZE = (1 << 20) / PIECES };
    static char *piece[PIECES];
    for (int i = 0; i < PIECES; i++) {
        piece[i] = good_block(SIZE, 16);
        memset(piece[i], 1 + i % 100, SIZE);
    }
    for (int i = 0; i < PIECES; i++) {
        assert_true(bootstrap_owns(piece[i]));
        assert_true(all_are(piece[i], SIZE, (char)(1 + i % 100)));
    }
}

static void blocks_larger_than_a_chunk(void **state)
{
    (void)state;
    char *p = good_block((size_t)5 << 20, 4096);
    memset(p, 1, (size_t)5 << 20);
    memset(good_block((size_t)1 << 20, (size_t)1 << 21), 2, (size_t)1 << 20);
    assert_true(all_are(p, (size_t)5 << 20, 1));
}

static void overflow_is_refused(void **state)
{
    (void)state;
    static const size_t absurd[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, SIZE_MAX / 4 + 1,
                                    (size_t)1 << 48};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        assert_null(bootstrap_alloc(absurd[i], 16));
    }
    assert_null(bootstrap_alloc(16, (size_t)1 << 63));
    assert_null(bootstrap_alloc(16, (size_t)1 << 61));
    memset(good_block(64, 16), 3, 64);
}

static void others_are_not_owned(void **state)
{
    (void)state;
    int local = 0;
    char *heap = malloc(100);
    assert_false(bootstrap_owns(NULL));
    assert_false(bootstrap_owns(&local));
    assert_false(bootstrap_owns(heap));
    assert_false(bootstrap_owns((void *)(uintptr_t)&bootstrap_owns));
    free(heap);
}

static void *allocate_many(void *arg)
{
    size_t *wrong = arg;
    enum { COUNT = 3000 };
    char **block = calloc(COUNT, sizeof *block);
    char fill = (char)(1 + (uintptr_t)arg / sizeof *wrong % 100);
    for (size_t i = 0; i < COUNT; i++) {
        block[i] = bootstrap_alloc(i % 200, 16);
        *wrong += !block[i] || !all_are(block[i], i % 200, 0);
        if (block[i]) {
            memset(block[i], fill, i % 200);
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        *wrong += bootstrap_size(block[i]) != i % 200 || !all_are(block[i], i % 200, fill);
        *wrong += i % 200 != 0 && !bootstrap_owns(block[i]);
    }
    free(block);
    return NULL;
}

static void threads_get_blocks_of_their_own(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    static size_t wrong[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, allocate_many, &wrong[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

/* Whatever was handed out before a block of no bytes, at the very end of a chunk too. */
static void empty_blocks_are_owned_everywhere(void **state)
{
    (void)state;
    for (size_t size = 16; size <= 4096; size += 16) {
        for (int i = 0; i < 300; i++) {
            void *filler = bootstrap_alloc(size, 16);
            assert_non_null(filler);
            void *empty = bootstrap_alloc(0, 16);
            assert_non_null(empty);
            assert_true(bootstrap_owns(empty));
            assert_int_equal(bootstrap_size(empty), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_blocks_are_owned_everywhere),
        cmocka_unit_test(alignments_are_kept),
        cmocka_unit_test(sizes_are_remembered),
        cmocka_unit_test(a_mebibyte_in_pieces),
        cmocka_unit_test(blocks_larger_than_a_chunk),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(others_are_not_owned),
        cmocka_unit_test(threads_get_blocks_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
