/* SPDX-License-Identifier: MIT */
#include "sampler_variance.h"

#include <string.h>

#include "support.h"

#define LARGEST (~(sampler_square)0)

static void roots_are_rounded(void **state)
{
    (void)state;
    assert_int_equal(sampler_error(0), 0);
    assert_int_equal(sampler_error(1), 1);
    assert_int_equal(sampler_error(2), 1);
    assert_int_equal(sampler_error(3), 2);
    assert_true(sampler_error(LARGEST) == UINT64_MAX);
    uint64_t seed = 3;
    for (int i = 0; i < 100000; i++) {
        uint64_t root = support_random(&seed) >> support_below(&seed, 64);
        sampler_square square = (sampler_square)root * root;
        assert_true(sampler_error(square) == root);
        /* From root^2 + root on, (root + 1)^2 is nearer to the root's end. */
        if (root > 0 && root < UINT64_MAX) {
            assert_true(sampler_error(square + root) == root);
            assert_true(sampler_error(square + root + 1) == root + 1);
            assert_true(sampler_error(square - root + 1) == root);
            assert_true(sampler_error(square - root) == root - 1);
        }
    }
}

static struct arena_pool pool;
static struct arena arena;
static struct shard shard;

static int setup(void **state)
{
    (void)state;
    memset(&shard, 0, sizeof shard);
    arena = (struct arena){.pool = &pool};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

/* A sum of W (W - 1) x^2, from which a free takes exactly what was added, however large. */
static void frees_take_what_was_added(void **state)
{
    (void)state;
    struct sampler_variance *v = sampler_variance_of(&shard, &arena);
    assert_non_null(v);
    assert_ptr_equal(sampler_variance_of(&shard, &arena), v);
    uint64_t seed = 4, weight[500], size[500];
    sampler_square count = 0, bytes = 0;
    for (int i = 0; i < 500; i++) {
        weight[i] = 1 + (support_random(&seed) >> (24 + support_below(&seed, 40)));
        size[i] = ((uint64_t)1 << 62) / weight[i] >> support_below(&seed, 62);
        sampler_variance_alloc(v, weight[i], size[i]);
        count += (sampler_square)weight[i] * (weight[i] - 1);
        bytes += (sampler_square)weight[i] * (weight[i] - 1) * size[i] * size[i];
        assert_true(sampler_sum_get(&v->alloc_count) == count);
        assert_true(sampler_sum_get(&v->alloc_bytes) == bytes);
        assert_true(sampler_sum_get(&v->live_bytes) == bytes);
    }
    for (int i = 0; i < 500; i++) {
        sampler_variance_free(v, weight[i], size[i]);
    }
    assert_true(sampler_sum_get(&v->live_count) == 0);
    assert_true(sampler_sum_get(&v->live_bytes) == 0);
    assert_true(sampler_sum_get(&v->alloc_count) == count);
}

static void the_peak_is_that_of_its_epoch(void **state)
{
    (void)state;
    struct sampler_variance *v = sampler_variance_of(&shard, &arena);
    sampler_variance_enter(v, 1);
    sampler_variance_alloc(v, 3, 10); /* 600 */
    sampler_variance_enter(v, 1);
    sampler_variance_alloc(v, 2, 10); /* 200 */
    assert_true(sampler_sum_get(&v->peak_bytes) == 0);
    sampler_variance_enter(v, 2); /* the peak was now */
    sampler_variance_free(v, 3, 10);
    assert_true(sampler_sum_get(&v->peak_bytes) == 800);
    sampler_variance_enter(v, 2);
    sampler_variance_free(v, 2, 10);
    assert_true(sampler_sum_get(&v->peak_bytes) == 800);
    /* Another thread raised it during the last change. */
    sampler_variance_overtaken(v, 3);
    assert_true(sampler_sum_get(&v->peak_bytes) == 200);
    assert_int_equal(counter_get(&v->epoch), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_rounded),
        cmocka_unit_test_setup_teardown(frees_take_what_was_added, setup, teardown),
        cmocka_unit_test_setup_teardown(the_peak_is_that_of_its_epoch, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
