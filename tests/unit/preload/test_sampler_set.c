/* SPDX-License-Identifier: MIT
 *
 * The set of sampled blocks against an array, and its filter against what it promises; with many
 * threads, and in children.
 */
#include "sampler_set.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define BASE ((uintptr_t)0x7f0000000000)

static struct arena_pool pool;
static struct sampler_set set;

static int setup(void **state)
{
    (void)state;
    memset(&set, 0, sizeof set);
    return sampler_set_init(&set, &pool);
}

static int teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

static struct weighted_block block_of(uint64_t n)
{
    return (struct weighted_block){
        .block = {.site = (uint32_t)(n & LIVE_MAX_SITE), .size = n * 3, .birth = n * 5},
        .weight = n * 7,
    };
}

static void assert_block(const struct weighted_block *found, uint64_t n)
{
    const struct weighted_block expected = block_of(n);
    assert_int_equal(found->block.site, expected.block.site);
    assert_int_equal(found->block.size, expected.block.size);
    assert_int_equal(found->block.birth, expected.block.birth);
    assert_int_equal(found->weight, expected.weight);
}

static enum live_result put(uintptr_t address, uint64_t n, struct weighted_block *old)
{
    const struct weighted_block block = block_of(n);
    return sampler_set_put(&set, address, &block, old);
}

static bool may_have(uintptr_t address)
{
    return sampler_near_has(&set, address) && sampler_filter_has(atomic_load(&set.filter), address);
}

/* Addresses close together, so that they share bits and runs. */
enum { CELLS = 9000 };

static uintptr_t address_of(size_t i)
{
    return BASE + i * 16 + (i % 3 == 0 ? (uintptr_t)1 << 33 : 0);
}

static void it_holds_what_an_array_holds(void **state)
{
    (void)state;
    static uint64_t model[CELLS]; /* 0: none */
    memset(model, 0, sizeof model);
    uint64_t seed = 5, n = 0;
    for (int i = 0; i < 400000; i++) {
        /* Growing, shrinking, growing. */
        bool put_more = support_below(&seed, 10) < (i / 50000 % 2 ? 3u : 7u);
        size_t k = support_below(&seed, CELLS);
        struct weighted_block found;
        if (put_more) {
            enum live_result result = put(address_of(k), ++n, &found);
            assert_int_equal(result, model[k] ? LIVE_REPLACED : LIVE_OK);
            if (model[k]) {
                assert_block(&found, model[k]);
            }
            model[k] = n;
        } else {
            assert_int_equal(sampler_set_take(&set, address_of(k), &found), model[k] != 0);
            if (model[k]) {
                assert_block(&found, model[k]);
            }
            model[k] = 0;
        }
        if (i % 10000 == 0) {
            for (size_t c = 0; c < CELLS; c++) {
                assert_true(!model[c] || may_have(address_of(c)));
            }
        }
    }
    struct weighted_block found;
    for (size_t c = 0; c < CELLS; c++) {
        assert_int_equal(sampler_set_take(&set, address_of(c), &found), model[c] != 0);
    }
    /* Bits go when the last block goes that needs them, but for those that address 0 shares. */
    assert_true(sampler_near_has(&set, 0));
    for (size_t c = 0; c < CELLS; c++) {
        const bool kept = address_of(c) / 512 % SAMPLER_NEAR == 0;
        assert_int_equal(sampler_near_has(&set, address_of(c)), kept);
        assert_false(sampler_filter_has(atomic_load(&set.filter), address_of(c)));
    }
    assert_int_equal(set.used, 0);
}

/* What is kept does not take the place of what is there, and is taken out as anything is. */
static void what_is_kept_leaves_what_is_there(void **state)
{
    (void)state;
    const struct weighted_block nobodys = {.weight = 0}, somebodys = {.weight = 7};
    struct weighted_block found;
    for (size_t c = 1; c < CELLS; c++) {
        if (c % 2 == 0) {
            assert_int_equal(sampler_set_put(&set, address_of(c), &somebodys, &found), LIVE_OK);
        }
        sampler_set_keep(&set, address_of(c), &nobodys);
        sampler_set_keep(&set, address_of(c), &nobodys);
        assert_true(may_have(address_of(c)));
    }
    assert_int_equal(set.used, CELLS - 1);
    for (size_t c = 1; c < CELLS; c++) {
        assert_true(sampler_set_take(&set, address_of(c), &found));
        assert_int_equal(found.weight, c % 2 == 0 ? 7 : 0);
    }
    assert_int_equal(set.used, 0);
}

/* Without the loader's maps each free is looked at, whatever was put in and taken out. */
static void it_can_let_nothing_pass(void **state)
{
    (void)state;
    const struct weighted_block block = {.weight = 1};
    struct weighted_block found;
    sampler_set_pass_none(&set);
    for (size_t c = 1; c < CELLS; c++) {
        assert_true(sampler_near_has(&set, address_of(c)));
        sampler_set_put(&set, address_of(c), &block, &found);
        assert_true(sampler_set_take(&set, address_of(c), &found));
        assert_true(sampler_near_has(&set, address_of(c)));
    }
}

/* Blocks all over a heap; how many others the filter takes for one of them. */
static void the_filter_is_right_for_nearly_all(void **state)
{
    (void)state;
    struct weighted_block old;
    uint64_t seed = 9;
    for (size_t blocks = 100; blocks <= 100000; blocks *= 10) {
        for (size_t i = 0; i < blocks; i++) {
            put(BASE + support_below(&seed, (uint64_t)1 << 30) * 16, i, &old);
        }
        size_t wrong = 0;
        enum { ASKED = 100000 };
        for (int i = 0; i < ASKED; i++) {
            uintptr_t other = BASE + ((uintptr_t)1 << 36) + support_below(&seed, 1 << 30) * 16;
            wrong += may_have(other);
        }
        assert_true(wrong < ASKED * 2 / 100);
    }
}

enum { THREADS = 4, OWN = 3000, ROUNDS = 60 };

/* Puts, and hands over to the next thread, which takes. */
static struct {
    pthread_barrier_t barrier;
    _Atomic int failures;
} shared;

static uintptr_t address_in_round(uintptr_t thread, int round, size_t i)
{
    return BASE + thread * 48 + i * 4096 + (uintptr_t)(round % 7) * 16;
}

static void *work(void *arg)
{
    uintptr_t me = (uintptr_t)arg, next = (me + 1) % THREADS;
    struct weighted_block found;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < OWN; i++) {
            shared.failures += put(address_in_round(me, round, i), i + me, &found) != LIVE_OK;
        }
        pthread_barrier_wait(&shared.barrier);
        for (size_t i = 0; i < OWN; i++) {
            uintptr_t address = address_in_round(next, round, i);
            shared.failures += !may_have(address);
            shared.failures += !sampler_set_take(&set, address, &found);
            shared.failures += found.weight != (i + next) * 7;
            shared.failures += sampler_set_take(&set, address, &found);
        }
        pthread_barrier_wait(&shared.barrier);
    }
    return NULL;
}

static void threads_put_and_take(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    pthread_barrier_init(&shared.barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(shared.failures, 0);
    assert_int_equal(set.used, 0);
}

static _Atomic bool stop;

static void *churn(void *arg)
{
    (void)arg;
    struct weighted_block found;
    for (uint64_t n = 0; !stop; n++) {
        uintptr_t address = BASE + ((uintptr_t)1 << 40) + n % 5000 * 16;
        if (!sampler_set_take(&set, address, &found)) {
            put(address, n, &found);
        }
    }
    return NULL;
}

/* The child finds the lock as its holder, who is not there, left it, and every block. */
static void a_child_finds_all(void **state)
{
    (void)state;
    pthread_t thread;
    struct weighted_block found;
    for (size_t i = 0; i < 500; i++) {
        put(address_of(i), i, &found);
    }
    stop = false;
    assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(60);
            sampler_set_child(&set);
            int wrong = 0;
            for (size_t k = 0; k < 500; k++) {
                wrong += !may_have(address_of(k));
                wrong += !sampler_set_take(&set, address_of(k), &found) || found.weight != k * 7;
                wrong += put(address_of(k), k, &found) != LIVE_OK;
            }
            _exit(wrong != 0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    stop = true;
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_holds_what_an_array_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_leaves_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(it_can_let_nothing_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(the_filter_is_right_for_nearly_all, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_put_and_take, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_finds_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
