/* SPDX-License-Identifier: MIT
 *
 * Against replays that look at the total after every single event.
 */
#include "peak.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

struct alloc_log {
    int64_t size[4096];
    size_t n;
};

/* The next event of a random program: how much the total changes. */
static int64_t next_event(struct alloc_log *live, uint64_t *seed, bool growing, int64_t largest)
{
    bool room = live->n < sizeof live->size / sizeof live->size[0];
    if (live->n > 0 && (!room || support_below(seed, 100) < (growing ? 40u : 60u))) {
        size_t i = support_below(seed, live->n);
        int64_t size = live->size[i];
        live->size[i] = live->size[--live->n];
        return -size;
    }
    int64_t size = (int64_t)support_below(seed, (uint64_t)largest) + 1;
    live->size[live->n++] = size;
    return size;
}

static void apply(struct peak *p, struct peak_share *share, int64_t delta, uint64_t ticks)
{
    if (delta < 0) {
        peak_before_free(p, share, ticks);
    }
    peak_change(p, share, delta);
}

static void one_share_is_exact(void **state)
{
    (void)state;
    static struct alloc_log log;
    for (uint64_t run = 1; run <= 50; run++) {
        struct peak p;
        struct peak_share share = {0};
        peak_init(&p);
        peak_add_thread(&p, NULL);
        log.n = 0;
        uint64_t seed = run * 7919, peak_time = 0;
        int64_t total = 0, most = 0;
        for (uint64_t i = 1; i <= 5000; i++) {
            int64_t delta = next_event(&log, &seed, i / 700 % 2 == 0, 100000);
            uint64_t epoch = p.epoch;
            apply(&p, &share, delta, i);
            bool falls_from_peak = delta < 0 && total > most;
            /* The peak is noted when it is about to fall, once. */
            if (falls_from_peak) {
                most = total;
                peak_time = i;
            }
            assert_int_equal(p.epoch, epoch + falls_from_peak);
            total += delta;
            assert_true(peak_total(&p, &share) == total);
            assert_true(p.peak == most);
            assert_int_equal(p.peak_ticks, peak_time);
        }
        assert_true(p.error == 0);
    }
}

/* What a dump does at last: the total as it is then may be the peak. */
static int64_t peak_at_dump(struct peak *p, const struct peak_share *share, size_t n)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += share[i].live;
    }
    peak_raise_shared(p, total, 0);
    return p->peak;
}

/* Threads as shares in turns, so that the true total is known after each event. */
static void several_shares_are_within_the_error(void **state)
{
    (void)state;
    enum { SHARES = 8 };
    static struct alloc_log log;
    for (uint64_t run = 1; run <= 200; run++) {
        struct peak p;
        struct peak_share share[SHARES] = {{0}};
        uint64_t seed = run * 104729;
        size_t shares = 1, last = 1 + support_below(&seed, SHARES);
        int64_t total = 0, most = 0, largest = run % 3 ? 2000 : 3000000;
        peak_init(&p);
        peak_add_thread(&p, NULL);
        log.n = 0;
        for (uint64_t i = 1; i <= 8000; i++) {
            if (shares < last && support_below(&seed, 200) == 0) {
                peak_add_thread(&p, shares == 1 ? &share[0] : NULL);
                shares++;
            }
            int64_t delta = next_event(&log, &seed, i / 900 % 2 == 0, largest);
            apply(&p, &share[support_below(&seed, shares)], delta, i);
            total += delta;
            most = total > most ? total : most;
        }
        int64_t reported = peak_at_dump(&p, share, SHARES);
        assert_true(llabs(reported - most) <= p.error);
        assert_true(shares > 1 || (p.error == 0 && reported == most));
        /* And the error is not so large that it says nothing. */
        assert_true(p.error <= most / 100 + (int64_t)SHARES * 2048);
    }
}

static void the_first_share_is_handed_in_once(void **state)
{
    (void)state;
    struct peak p;
    struct peak_share first = {0}, second = {0};
    peak_init(&p);
    peak_add_thread(&p, NULL);
    apply(&p, &first, 1000000, 1);
    assert_true(p.total == 0);
    peak_add_thread(&p, &first);
    assert_true(p.total == 1000000);
    assert_true(peak_total(&p, &first) == 1000000 && peak_total(&p, &second) == 1000000);
    peak_add_thread(&p, NULL);
    assert_true(p.total == 1000000);
}

static void a_large_change_is_handed_in_at_once(void **state)
{
    (void)state;
    struct peak p;
    struct peak_share share[2] = {{0}};
    peak_init(&p);
    peak_add_thread(&p, NULL);
    peak_add_thread(&p, &share[0]);
    apply(&p, &share[1], (int64_t)1 << 30, 1);
    assert_true(peak_total(&p, &share[0]) == (int64_t)1 << 30);
    apply(&p, &share[0], -((int64_t)1 << 30), 2); /* frees what the other allocated */
    assert_true(p.peak == (int64_t)1 << 30);
    assert_true(peak_total(&p, &share[1]) == 0);
}

enum { THREADS = 4, ROUNDS = 50000 };

struct worker {
    struct peak *p;
    struct peak_share *share;
};

/* Up to a known height and down again, in small steps. */
static void *climb(void *arg)
{
    const struct worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        apply(w->p, w->share, 64, 1);
    }
    for (int i = 0; i < ROUNDS; i++) {
        apply(w->p, w->share, -64, 2);
    }
    return NULL;
}

static void threads_meet_in_the_total(void **state)
{
    (void)state;
    struct peak p;
    static struct peak_share share[THREADS];
    struct worker w[THREADS];
    pthread_t thread[THREADS];
    peak_init(&p);
    for (int i = 0; i < THREADS; i++) {
        peak_add_thread(&p, i == 1 ? &share[0] : NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct worker){&p, &share[i]};
        assert_int_equal(pthread_create(&thread[i], NULL, climb, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        peak_hand_in(&p, &share[i]);
    }
    assert_true(p.total == 0);
    /* No thread was alone higher than this, nor all together. */
    assert_true(p.peak + p.error >= (int64_t)ROUNDS * 64);
    assert_true(p.peak - p.error <= (int64_t)THREADS * ROUNDS * 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_share_is_exact),
        cmocka_unit_test(several_shares_are_within_the_error),
        cmocka_unit_test(the_first_share_is_handed_in_once),
        cmocka_unit_test(a_large_change_is_handed_in_at_once),
        cmocka_unit_test(threads_meet_in_the_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
