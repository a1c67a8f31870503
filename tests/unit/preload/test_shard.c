/* SPDX-License-Identifier: MIT
 *
 * Buckets against a naive logarithm, the epoch rule against a replay that copies everything.
 */
#include "shard.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

/* How many binary digits VALUE has, counted on its representation. */
static unsigned digits(uint64_t value)
{
    unsigned n = 0;
    for (; value != 0; value /= 2) {
        n++;
    }
    return n < 63 ? n : 63;
}

static void buckets_are_bit_widths(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 64; i++) {
        uint64_t power = (uint64_t)1 << i;
        assert_int_equal(histogram_bucket(power), digits(power));
        assert_int_equal(histogram_bucket(power - 1), digits(power - 1));
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t value = support_random(&seed) << 8 >> support_below(&seed, 64);
        assert_int_equal(histogram_bucket(value), digits(value));
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), 63);
    assert_int_equal(histogram_bucket(0), 0);
}

static void histograms_count_each_value(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard_histogram h = {0};
    uint64_t expected[MEMPROF_HISTOGRAM_BUCKETS] = {0}, seed = 6;
    for (int i = 0; i < 50000; i++) {
        uint64_t value = support_random(&seed) << 8 >> support_below(&seed, 64);
        expected[digits(value)]++;
        shard_histogram_add(&h, value, 1, &arena);
    }
    for (unsigned i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        assert_int_equal(shard_histogram_get(&h, i), expected[i]);
    }
    arena_pool_clear(&pool);
}

static void a_histogram_takes_what_it_uses(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard_histogram h = {0};
    for (int i = 0; i < 1000; i++) {
        shard_histogram_add(&h, 100, 1, &arena);
    }
    assert_int_equal(shard_histogram_get(&h, digits(100)), 1000);
    assert_int_equal(pool.bytes, 0); /* one value's neighbourhood is at hand */
    shard_histogram_add(&h, (uint64_t)1 << 40, 1, &arena);
    size_t bytes = pool.bytes;
    assert_true(bytes > 0);
    for (int i = 0; i < 1000; i++) {
        shard_histogram_add(&h, (uint64_t)1 << 41, 1, &arena);
    }
    assert_int_equal(pool.bytes, bytes);
    arena_pool_clear(&pool);
}

/* The first size is counted apart: all are in their buckets, whichever came first. */
static void sizes_are_counted(void **state)
{
    (void)state;
    static const uint64_t first[] = {0, 1, 64, UINT32_MAX - 1, UINT32_MAX, (uint64_t)1 << 40};
    uint64_t seed = 8;
    for (size_t f = 0; f < sizeof first / sizeof first[0]; f++) {
        struct arena_pool pool = {.bytes = 0};
        struct arena arena = {.pool = &pool};
        struct shard s = {.word = live_word(0, 1)};
        uint64_t expected[MEMPROF_HISTOGRAM_BUCKETS] = {0}, sizes[MEMPROF_HISTOGRAM_BUCKETS] = {0};
        for (int i = 0; i < 5000; i++) {
            const bool again = i == 0 || support_below(&seed, 2);
            const uint64_t size =
                again ? first[f] : support_random(&seed) << 8 >> support_below(&seed, 64);
            const uint64_t n = support_below(&seed, 3) + 1;
            expected[digits(size)] += n;
            counter_add(&s.alloc_count, n);
            shard_count_size(&s, size, n, &arena);
        }
        shard_add_sizes(&s, sizes);
        assert_memory_equal(sizes, expected, sizeof sizes);
        arena_pool_clear(&pool);
    }
}

static void blocks_of_one_size_take_no_memory(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard s = {.word = live_word(0, 1)};
    for (int i = 0; i < 1000; i++) {
        counter_add(&s.alloc_count, 1);
        shard_count_size(&s, 100, 1, &arena);
    }
    assert_int_equal(pool.bytes, 0);
}

static void lifetimes_are_counted(void **state)
{
    (void)state;
    uint64_t seed = 18;
    for (int round = 0; round < 20; round++) {
        struct arena_pool pool = {.bytes = 0};
        struct arena arena = {.pool = &pool};
        struct shard s = {.word = live_word(0, 1)};
        uint64_t expected[MEMPROF_HISTOGRAM_BUCKETS] = {0}, seen[MEMPROF_HISTOGRAM_BUCKETS] = {0};
        const uint64_t first = support_random(&seed) >> support_below(&seed, 64);
        for (int i = 0; i < 2000; i++) {
            const bool again = i < 1000 || support_below(&seed, 2);
            const uint64_t age = again ? first : support_random(&seed) >> support_below(&seed, 64);
            const uint64_t n = support_below(&seed, 32) + 1;
            expected[digits(age)] += n;
            shard_count_lifetime(&s, age, n, &arena);
            assert_true(i >= 1000 || pool.bytes == 0); /* one order of magnitude is at hand */
        }
        const uint64_t set = shard_add_lifetimes(&s, seen);
        assert_memory_equal(seen, expected, sizeof seen);
        for (unsigned i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
            assert_true(expected[i] == 0 || (set >> i & 1));
        }
        arena_pool_clear(&pool);
    }
}

/* None of the chunks that there are has room, and there are no others. */
static void without_memory_all_count_as_the_first(void **state)
{
    (void)state;
    support_take_memory();
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard s = {.word = live_word(0, 1)};
    uint64_t lifetimes[MEMPROF_HISTOGRAM_BUCKETS] = {0}, sizes[MEMPROF_HISTOGRAM_BUCKETS] = {0};
    for (uint64_t i = 0; i < 10; i++) {
        counter_add(&s.alloc_count, 1);
        shard_count_size(&s, 100 << i, 1, &arena);
        shard_count_lifetime(&s, 100 << i, 1, &arena);
        shard_count_realloc(&s, 1, &arena);
    }
    support_give_memory();
    shard_add_sizes(&s, sizes);
    shard_add_lifetimes(&s, lifetimes);
    assert_int_equal(sizes[digits(100)], 10);
    assert_int_equal(lifetimes[digits(100)], 10);
    assert_int_equal(shard_realloc_count(&s), 0);
    assert_int_equal(pool.bytes, 0);
}

/* Whatever a damaged shard says was counted last, and where a handler cut off the first count. */
static void a_size_is_taken_back_without_memory(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard s = {.word = live_word(0, 1)};
    uint64_t sizes[MEMPROF_HISTOGRAM_BUCKETS] = {0};
    for (uint64_t size = 16; size <= 32; size += 16) {
        counter_add(&s.alloc_count, 1);
        shard_count_size(&s, size, 1, &arena);
    }
    struct shard_sizes *last = &shard_more(&s)->sizes;
    const uint64_t was = counter_get(&last->was), event = counter_get(&last->event);
    atomic_store(&last->was, (uint64_t)7 << SHARD_BUCKET_BITS | 50);
    shard_take_back_size(&s); /* of that bucket there is nothing */
    shard_add_sizes(&s, sizes);
    assert_int_equal(sizes[digits(16)] + sizes[digits(32)], 2);
    atomic_store(&last->was, was);
    atomic_store(&last->event, event);
    shard_take_back_size(&s);
    counter_add(&s.alloc_count, (uint64_t)-1);
    memset(sizes, 0, sizeof sizes);
    shard_add_sizes(&s, sizes);
    assert_int_equal(sizes[digits(16)], 1);
    assert_int_equal(sizes[digits(32)], 0);
    arena_pool_clear(&pool);
}

static void most_is_needed_by_few(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct arena arena = {.pool = &pool};
    struct shard s = {.word = live_word(0, 1)};
    assert_int_equal(shard_realloc_count(&s) + shard_failed_count(&s), 0);
    assert_null(shard_variance(&s));
    shard_count_realloc(&s, 3, &arena);
    counter_add(&shard_rare_of(&s, &arena)->failed_count, 2);
    assert_int_equal(shard_realloc_count(&s), 3);
    assert_int_equal(shard_failed_count(&s), 2);
    assert_ptr_equal(shard_more_of(&s, NULL), shard_more(&s));
    assert_ptr_equal(shard_rare_of(&s, NULL), shard_rare(&s));
    arena_pool_clear(&pool);
}

/* Several sites; at random moments "the peak is now", which the replay copies in full. */
static void the_epoch_rule_keeps_what_was_held(void **state)
{
    (void)state;
    enum { SITES = 20 };
    static struct shard shard[SITES];
    uint64_t bytes[SITES] = {0}, count[SITES] = {0};
    uint64_t peak_bytes[SITES] = {0}, peak_count[SITES] = {0};
    uint64_t epoch = 1, seed = 12;
    memset(shard, 0, sizeof shard);
    for (int s = 0; s < SITES; s++) {
        shard[s].epoch = epoch;
    }
    for (int i = 0; i < 200000; i++) {
        if (support_below(&seed, 50) == 0) {
            epoch++;
            memcpy(peak_bytes, bytes, sizeof bytes);
            memcpy(peak_count, count, sizeof count);
        }
        /* Some are seldom changed, over many epochs. */
        uint64_t s = support_below(&seed, 1 + support_below(&seed, SITES));
        shard_enter_epoch(&shard[s], epoch);
        if (count[s] > 0 && support_below(&seed, 2)) {
            uint64_t size = bytes[s] / count[s];
            counter_add(&shard[s].free_count, 1);
            counter_add(&shard[s].freed_bytes, size);
            bytes[s] -= size;
            count[s]--;
        } else {
            uint64_t size = support_below(&seed, 1000);
            counter_add(&shard[s].alloc_count, 1);
            counter_add(&shard[s].alloc_bytes, size);
            bytes[s] += size;
            count[s]++;
        }
        assert_int_equal(shard_live_bytes(&shard[s]), bytes[s]);
        assert_int_equal(shard_live_count(&shard[s]), count[s]);
        if (i % 1000 == 0) {
            /* As at a dump: the rule is applied once more to all, and can be again. */
            for (int k = 0; k < SITES; k++) {
                shard_enter_epoch(&shard[k], epoch);
                assert_int_equal(counter_get(&shard[k].peak_bytes), peak_bytes[k]);
                assert_int_equal(counter_get(&shard[k].peak_count), peak_count[k]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_bit_widths),
        cmocka_unit_test(histograms_count_each_value),
        cmocka_unit_test(a_histogram_takes_what_it_uses),
        cmocka_unit_test(sizes_are_counted),
        cmocka_unit_test(blocks_of_one_size_take_no_memory),
        cmocka_unit_test(lifetimes_are_counted),
        cmocka_unit_test(without_memory_all_count_as_the_first),
        cmocka_unit_test(a_size_is_taken_back_without_memory),
        cmocka_unit_test(most_is_needed_by_few),
        cmocka_unit_test(the_epoch_rule_keeps_what_was_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
