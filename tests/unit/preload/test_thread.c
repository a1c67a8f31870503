/* SPDX-License-Identifier: MIT
 *
 * The growing tables of a thread's state, against what was put in.
 */
#include "thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts.h"
#include "support.h"

static struct arena_pool pools[PARTS];
static struct thread *t;

static int setup(void **state)
{
    (void)state;
    t = thread_new(pools, 64);
    return t ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (int part = 0; part < PARTS; part++) {
        arena_pool_clear(&pools[part]);
    }
    return 0;
}

static uint64_t hash_of(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

static void hashes_are_remembered(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static struct shard shard[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_null(thread_find(t, hash_of(i)));
        thread_remember(t, hash_of(i), &shard[i]);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(thread_find(t, hash_of(i)), &shard[i]);
    }
    assert_null(thread_find(t, hash_of(COUNT)));
    thread_forget(t);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_null(thread_find(t, hash_of(i)));
    }
    for (uint64_t i = 0; i < COUNT; i += 7) {
        thread_remember(t, hash_of(i), &shard[COUNT - 1 - i]);
        assert_ptr_equal(thread_find(t, hash_of(i)), &shard[COUNT - 1 - i]);
    }
}

static void hashes_that_collide(void **state)
{
    (void)state;
    enum { COUNT = 30 };
    static struct shard shard[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        thread_remember(t, 5 + (i << 40), &shard[i]); /* alike in all low bits */
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(thread_find(t, 5 + (i << 40)), &shard[i]);
    }
    assert_null(thread_find(t, 5 + ((uint64_t)COUNT << 40)));
}

static void a_site_has_one_shard(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static struct shard *shard[COUNT];
    static uint32_t site[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        /* All over the range, the last id included. */
        site[i] = i % 2 ? i : LIVE_MAX_SITE - i * 1000;
        shard[i] = thread_shard(t, site[i], 7 + i);
        assert_non_null(shard[i]);
        assert_int_equal(shard_site(shard[i]), site[i]);
        assert_int_equal(shard[i]->epoch, 7 + i);
        counter_add(&shard[i]->alloc_count, i);
    }
    size_t linked = 0;
    for (const struct shard *s = t->shards; s; s = s->next) {
        linked++;
    }
    assert_int_equal(linked, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(thread_shard(t, site[i], 99999), shard[i]);
        assert_int_equal(shard[i]->epoch, 7 + i); /* only a new one takes the epoch */
        assert_int_equal(counter_get(&shard[i]->alloc_count), i);
    }
}

struct life {
    int tid;
    bool bounded;
    size_t stack_size;
};

static void *live_a_life(void *arg)
{
    struct life *life = arg;
    int local;
    pthread_setname_np(pthread_self(), "fifteen letters");
    life->tid = gettid();
    thread_begin(t, life->tid, 1, false);
    life->bounded = (uintptr_t)&local > t->stack.low && (uintptr_t)&local < t->stack.high;
    life->stack_size = t->stack.high - t->stack.low;
    return NULL;
}

static void a_state_goes_to_the_next_thread(void **state)
{
    (void)state;
    struct shard *shard = thread_shard(t, 5, 1);
    thread_remember(t, 77, shard);
    counter_add(&t->alloc_count, 3);
    counter_add(&t->alloc_bytes, 300);
    counter_add(&t->free_count, 2);
    counter_add(&t->dropped_count, 1);
    t->last_block = 1;
    t->live_cache.number[3] = 5;
    struct life life = {0};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 20);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &attributes, live_a_life, &life), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_int_equal(t->tid, life.tid);
    assert_string_equal(t->name, "fifteen letters");
    assert_true(life.bounded);
    /* What is known of it: from where it began to record up to its end. */
    assert_in_range(life.stack_size, 1, (size_t)2 << 20);
    assert_int_equal(t->alloc_count + t->alloc_bytes + t->free_count + t->last_block, 0);
    assert_int_equal(t->live_cache.number[3], 0);
    assert_true(t->in_use);
    /* What is the process's stays. */
    assert_int_equal(t->dropped_count, 1);
    assert_ptr_equal(thread_find(t, 77), shard);
    assert_ptr_equal(thread_shard(t, 5, 2), shard);
}

static void a_state_is_small(void **state)
{
    (void)state;
    /* Address space for tables by id is lazily touched; what is allocated must be little. */
    assert_true(sizeof *t + 64 * sizeof(struct thread_slot) < 8192);
    assert_int_equal(t->stack.max, 64);
}

int main(void)
{
#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STATE(hashes_are_remembered), WITH_STATE(hashes_that_collide),
        WITH_STATE(a_site_has_one_shard),  WITH_STATE(a_state_goes_to_the_next_thread),
        WITH_STATE(a_state_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
