/* SPDX-License-Identifier: MIT
 *
 * The figures of mappings, over made-up addresses, and what threads and forks do to them.
 */
#include "mappings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define BASE ((uintptr_t)0x7000000)
#define PAGE ((uintptr_t)4096)

static struct arena_pool kept, counted;
static struct clock test_clock;
static struct sites sites;
static struct mappings m;
static struct mapping_counts counts;

static const struct mapping_call one = {.site = 1, .thread = 1};
static const struct mapping_call two = {.site = 2, .thread = 1, .reallocated = true};

static int begin(void **state)
{
    (void)state;
    clock_start(&test_clock);
    sites.base = 0;
    mappings_init(&m, &kept);
    return mappings_begin(&m, &counts, &counted, &test_clock, &sites);
}

static int end(void **state)
{
    (void)state;
    arena_pool_clear(&kept);
    arena_pool_clear(&counted);
    return 0;
}

static const struct shard *shard_of(uint32_t site)
{
    for (uint32_t id = 1; id <= counts.shards.count; id++) {
        const struct shard *s = idtable_at(&counts.shards, id);
        if (shard_site(s) == site) {
            return s;
        }
    }
    fail_msg("site %u has no figures", site);
    return NULL;
}

static void expect(uint32_t site, uint64_t allocs, uint64_t frees, uint64_t live_bytes)
{
    const struct shard *s = shard_of(site);
    assert_int_equal(counter_get(&s->alloc_count), allocs);
    assert_int_equal(counter_get(&s->free_count), frees);
    assert_int_equal(shard_live_bytes(s), live_bytes);
}

static void unmap(uintptr_t from, uintptr_t to)
{
    mappings_gone(&m, mappings_take(&m, BASE + from * PAGE, BASE + to * PAGE), true);
}

static void map(const struct mapping_call *call, uintptr_t from, uintptr_t to)
{
    mappings_add(&m, call, BASE + from * PAGE, BASE + to * PAGE, false);
}

static void a_mapping_is_gone_with_its_last_page(void **state)
{
    (void)state;
    map(&one, 0, 10);
    unmap(3, 4);
    expect(1, 1, 0, 9 * PAGE);
    unmap(0, 3);
    expect(1, 1, 0, 6 * PAGE);
    unmap(2, 20);
    expect(1, 1, 1, 0);
    assert_int_equal(counts.unknown_free_count, 0);
    assert_int_equal(m.held_count + m.held_bytes, 0);
    unmap(0, 10);
    assert_int_equal(counts.unknown_free_count, 1);
    const struct shard *s = shard_of(1);
    assert_int_equal(support_lifetimes(s), 1);
    uint64_t sizes[MEMPROF_HISTOGRAM_BUCKETS] = {0};
    shard_add_sizes(s, sizes);
    assert_int_equal(sizes[16], 1); /* 40960 bytes */
}

static void several_are_unmapped_by_one_call(void **state)
{
    (void)state;
    map(&one, 0, 4);
    map(&two, 4, 8);
    map(&one, 10, 12);
    unmap(2, 11);
    expect(1, 2, 0, 3 * PAGE);
    expect(2, 1, 1, 0);
    assert_int_equal(shard_realloc_count(shard_of(2)), 1);
    assert_int_equal(shard_realloc_count(shard_of(1)), 0);
}

static void what_a_failed_call_took_out_comes_back(void **state)
{
    (void)state;
    map(&one, 0, 8);
    struct piece *taken = mappings_take(&m, BASE + 2 * PAGE, BASE + 3 * PAGE);
    assert_non_null(taken);
    mappings_put_back(&m, taken, false);
    expect(1, 1, 0, 8 * PAGE);
    unmap(0, 8);
    expect(1, 1, 1, 0);
}

/* A call that maps over something may fail when that is gone. */
static void what_a_failed_call_unmapped_does_not(void **state)
{
    (void)state;
    char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    const uintptr_t at = (uintptr_t)p;
    mappings_add(&m, &one, at, at + PAGE, false);
    mappings_add(&m, &one, at + PAGE, at + 3 * PAGE, false);
    munmap(p + 2 * PAGE, PAGE);
    mappings_put_back(&m, mappings_take(&m, at, at + 3 * PAGE), true);
    expect(1, 2, 1, PAGE);
    munmap(p, 2 * PAGE);
}

static void what_is_found_to_be_gone_is_replaced(void **state)
{
    (void)state;
    map(&one, 0, 4);
    map(&two, 1, 3);
    assert_int_equal(counts.missed_free_count, 1);
    expect(1, 1, 0, 2 * PAGE);
    expect(2, 1, 0, 2 * PAGE);
    assert_int_equal(m.held_count, 2);
}

static void shared_memory_goes_as_it_was_attached(void **state)
{
    (void)state;
    mappings_add(&m, &one, BASE, BASE + 8 * PAGE, true);
    mappings_add(&m, &one, BASE + 8 * PAGE, BASE + 9 * PAGE, true);
    unmap(0, 1);
    map(&two, 4, 5); /* over it: its own */
    mappings_gone(&m, mappings_take_attached(&m, BASE), true);
    expect(1, 2, 1, PAGE);
    expect(2, 1, 0, PAGE);
    mappings_gone(&m, mappings_take_attached(&m, BASE), true);
    assert_int_equal(counts.unknown_free_count, 1);
    mappings_gone(&m, mappings_take_attached(&m, BASE + 8 * PAGE), true);
    expect(1, 2, 2, 0);
}

static void each_site_has_its_share_of_the_peak(void **state)
{
    (void)state;
    map(&one, 0, 10);
    map(&two, 10, 15);
    unmap(0, 5);
    map(&two, 20, 22);
    unmap(10, 15);
    struct peak *peak = &counts.peak;
    assert_int_equal(atomic_load(&peak->peak), 15 * PAGE);
    const uint64_t epoch = atomic_load(&peak->epoch);
    assert_int_equal(counter_get(&shard_of(1)->epoch), epoch);
    assert_int_equal(counter_get(&shard_of(1)->peak_bytes), 10 * PAGE);
    assert_int_equal(counter_get(&shard_of(2)->peak_bytes), 5 * PAGE);
    assert_int_equal(counter_get(&shard_of(2)->peak_count), 1);
    assert_int_equal(atomic_load(&shard_of(2)->max_live_bytes), 7 * PAGE);
}

static void a_child_inherits_and_begins_anew(void **state)
{
    (void)state;
    map(&one, 0, 10);
    map(&one, 10, 20);
    mappings_child(&m);
    arena_pool_clear(&counted);
    sites.base = 1;
    assert_int_equal(mappings_begin(&m, &counts, &counted, &test_clock, &sites), 0);
    assert_int_equal(counts.inherited_count, 2);
    assert_int_equal(counts.inherited_bytes, 20 * PAGE);
    map(&two, 20, 21);
    unmap(5, 15);
    assert_int_equal(counts.inherited_freed_bytes, 10 * PAGE);
    assert_int_equal(counts.inherited_free_count, 0);
    unmap(0, 21);
    assert_int_equal(counts.inherited_freed_bytes, 20 * PAGE);
    assert_int_equal(counts.inherited_free_count, 2);
    expect(2, 1, 1, 0);
    assert_int_equal(counts.shards.count, 1);
    assert_int_equal(m.held_bytes, 0);
}

/* The tree may be half changed when its lock is held by a thread that the child does not have. */
static void a_child_does_not_trust_a_tree_that_was_being_changed(void **state)
{
    (void)state;
    map(&one, 0, 10);
    atomic_store(&m.lock.state, 2);
    mappings_child(&m);
    arena_pool_clear(&counted);
    assert_int_equal(mappings_begin(&m, &counts, &counted, &test_clock, &sites), 0);
    assert_int_equal(counts.inherited_count + counts.inherited_bytes, 0);
    map(&one, 0, 10);
    unmap(0, 10);
    expect(1, 1, 1, 0);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *storm(void *arg)
{
    const uintptr_t own = (uintptr_t)arg * 64;
    const struct mapping_call call = {.site = (uint32_t)(uintptr_t)arg + 1, .thread = 1};
    uint64_t seed = own + 1;
    for (int i = 0; i < ROUNDS; i++) {
        const uintptr_t at = own + support_below(&seed, 56);
        unmap(at, at + 8);
        map(&call, at, at + 1 + support_below(&seed, 8));
    }
    unmap(own, own + 64);
    return NULL;
}

static void threads_do_not_lose_anything(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, storm, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    for (uint32_t site = 1; site <= THREADS; site++) {
        expect(site, ROUNDS, ROUNDS, 0);
    }
    assert_int_equal(counts.missed_free_count, 0);
    assert_null(mapping_tree_at(&m.tree, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_mapping_is_gone_with_its_last_page),
        TEST(several_are_unmapped_by_one_call),
        TEST(what_a_failed_call_took_out_comes_back),
        TEST(what_a_failed_call_unmapped_does_not),
        TEST(what_is_found_to_be_gone_is_replaced),
        TEST(shared_memory_goes_as_it_was_attached),
        TEST(each_site_has_its_share_of_the_peak),
        TEST(a_child_inherits_and_begins_anew),
        TEST(a_child_does_not_trust_a_tree_that_was_being_changed),
        TEST(threads_do_not_lose_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
