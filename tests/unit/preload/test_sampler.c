/* SPDX-License-Identifier: MIT
 *
 * Recorders that sample, fed by hand with a program whose figures are known, over many seeds: the
 * estimates' mean, and how often their errors cover the truth. Seeds are fixed.
 */
#include "sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "dump_sites.h"
#include "feed.h"
#include "parsed.h"

#define BASE ((uintptr_t)0x600000000000)

static char out[4096];

static struct recorder *start_within(uint64_t mean, uint32_t max_overhead, uint64_t seed)
{
    struct options options = support_options();
    snprintf(out, sizeof out, "%s", support_path("dump.json"));
    options.out = out;
    options.sample_mean = mean;
    options.max_overhead = max_overhead;
    struct recorder *r = support_recorder(&options);
    r->sampler.seed = seed;
    return r;
}

static struct recorder *start(uint64_t mean, uint64_t seed)
{
    return start_within(mean, 0, seed);
}

static int setup(void **state)
{
    (void)state;
    support_enter_directory();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_leave_directory();
    return 0;
}

static json_t *dump(struct recorder *r)
{
    const struct dump_request request = {.reason = "api"};
    clock_calibrate(&r->clock);
    assert_int_equal(dump_write(r, &request), 0);
    return parsed_dump(out);
}

/* As a hook: what passes does not come to the recorder. */
static void alloc(struct recorder *r, int place, uintptr_t address, uint64_t size)
{
    if (!sampler_passes(size)) {
        feed_alloc(r, place, SITE_malloc, address, size);
    }
}

static void free_(struct recorder *r, uintptr_t address)
{
    struct sampler_meter *m = sampler_passing_free(&r->sampler, (void *)address, 0);
    /* The first look lets nothing pass that the second would not. */
    assert_true(m || !guard_tls.meter || !sampler_free_passes(&r->sampler, (void *)address));
    if (m) {
        sampler_count(&m->frees);
    } else {
        feed_free(r, address);
    }
}

enum { ALLOC_COUNT, ALLOC_BYTES, LIVE_COUNT, LIVE_BYTES, FIGURES };

/* What a recorder makes of its shards, as its dump would say. */
struct estimate {
    double value[FIGURES], variance[FIGURES];
};

static struct estimate estimate_of(struct recorder *r, uint32_t site)
{
    struct estimate e = {{0}, {0}};
    struct sampler_errors errors = {0};
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
            if (site && shard_site(s) != site) {
                continue;
            }
            e.value[ALLOC_COUNT] += (double)counter_get(&s->alloc_count);
            e.value[ALLOC_BYTES] += (double)counter_get(&s->alloc_bytes);
            e.value[LIVE_COUNT] += (double)shard_live_count(s);
            e.value[LIVE_BYTES] += (double)shard_live_bytes(s);
            sampler_errors_add(&errors, s, UINT64_MAX);
        }
    }
    e.variance[ALLOC_COUNT] = (double)errors.alloc_count;
    e.variance[ALLOC_BYTES] = (double)errors.alloc_bytes;
    e.variance[LIVE_COUNT] = (double)errors.live_count;
    e.variance[LIVE_BYTES] = (double)errors.live_bytes;
    return e;
}

/* 30,000 blocks of 24 to 22,000 bytes, mostly small, from 4 places; two of three are freed. Returns
 * the truth. */
static struct estimate program(struct recorder *r)
{
    enum { BLOCKS = 30000 };
    static uint64_t size[BLOCKS];
    struct estimate truth = {{0}, {0}};
    uint64_t seed = 11;
    for (size_t i = 0; i < BLOCKS; i++) {
        size[i] = 24 + support_below(&seed, 1u << support_below(&seed, 12)) +
                  (support_below(&seed, 50) == 0 ? 20000 : 0);
        alloc(r, (int)(i % 4), BASE + i * 32768, size[i]);
        truth.value[ALLOC_COUNT] += 1;
        truth.value[ALLOC_BYTES] += (double)size[i];
        truth.value[LIVE_COUNT] += 1;
        truth.value[LIVE_BYTES] += (double)size[i];
        if (i % 3 != 0) {
            size_t old = i - 1;
            truth.value[LIVE_COUNT] -= 1;
            truth.value[LIVE_BYTES] -= (double)size[old];
            free_(r, BASE + old * 32768);
        }
    }
    return truth;
}

static void estimates_are_right_on_average_and_know_their_errors(void **state)
{
    (void)state;
    enum { SEEDS = 400 };
    double sum[FIGURES] = {0}, squares[FIGURES] = {0}, variances[FIGURES] = {0};
    struct estimate truth = {{0}, {0}};
    int covered = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct recorder *r = start(2000, seed);
        truth = program(r);
        const struct estimate e = estimate_of(r, 0);
        for (int f = 0; f < FIGURES; f++) {
            double wrong = e.value[f] - truth.value[f];
            sum[f] += wrong;
            squares[f] += wrong * wrong;
            variances[f] += e.variance[f];
            covered += wrong * wrong <= 9 * e.variance[f];
        }
        support_recorder_end(r);
    }
    for (int f = 0; f < FIGURES; f++) {
        double sigma = sqrt(squares[f] / SEEDS);
        /* No bias, and the variance that is told is the variance that is seen: its own error is
         * about sqrt(2 / SEEDS), 7 per cent. */
        assert_true(fabs(sum[f] / SEEDS) < 4 * sigma / sqrt(SEEDS));
        assert_true(fabs(variances[f] / squares[f] - 1) < 0.25);
    }
    assert_true(covered >= SEEDS * FIGURES * 99 / 100);
}

/* While the mean goes up and down, and through 0. */
static void a_mean_that_changes_leaves_no_bias(void **state)
{
    (void)state;
    enum { SEEDS = 300, BLOCKS = 20000 };
    static const uint64_t means[] = {500, 4000, 0, 16000, 1000};
    double sum = 0, squares = 0, variances = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct recorder *r = start(2000, seed);
        for (size_t i = 0; i < BLOCKS; i++) {
            if (i % 700 == 0) {
                sampler_change(&r->sampler, means[i / 700 % 5]);
            }
            alloc(r, 0, BASE + i * 4096, 100);
        }
        const struct estimate e = estimate_of(r, 0);
        double wrong = e.value[ALLOC_COUNT] - BLOCKS;
        sum += wrong;
        squares += wrong * wrong;
        variances += e.variance[ALLOC_COUNT];
        support_recorder_end(r);
    }
    assert_true(fabs(sum / SEEDS) < 4 * sqrt(squares) / SEEDS);
    assert_true(fabs(variances / squares - 1) < 0.35);
}

static void a_dump_is_valid_and_tells(void **state)
{
    (void)state;
    struct recorder *r = start(3000, 5);
    struct estimate truth = program(r);
    json_t *d = dump(r);
    const json_t *mode = json_object_get(d, "mode"), *exact = json_object_get(mode, "exact");
    assert_string_equal(json_string_value(json_object_get(mode, "kind")), "sampled");
    assert_int_equal(parsed_number(mode, "mean_bytes"), 3000);
    assert_int_equal(parsed_number(exact, "alloc_count"), (uint64_t)truth.value[ALLOC_COUNT]);
    assert_int_equal(parsed_number(exact, "alloc_bytes"), (uint64_t)truth.value[ALLOC_BYTES]);
    assert_int_equal(parsed_number(exact, "free_count"),
                     (uint64_t)(truth.value[ALLOC_COUNT] - truth.value[LIVE_COUNT]));
    const json_t *totals = json_object_get(d, "totals");
    const struct estimate e = estimate_of(r, 0);
    assert_int_equal(parsed_number(totals, "alloc_count"), (uint64_t)e.value[ALLOC_COUNT]);
    assert_int_equal(parsed_number(totals, "alloc_bytes_se"),
                     (uint64_t)(sqrt(e.variance[ALLOC_BYTES]) + 0.5));
    assert_int_equal(parsed_number(totals, "live_bytes_se"),
                     (uint64_t)(sqrt(e.variance[LIVE_BYTES]) + 0.5));
    assert_int_equal(json_array_size(json_object_get(d, "sites")), 4);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    json_decref(d);
    support_recorder_end(r);
}

/* Every second of the blocks is reallocated to another size, or fails to be. */
static void realloc_is_a_free_and_an_allocation(void **state)
{
    (void)state;
    enum { SEEDS = 100, BLOCKS = 4000 };
    double sum = 0, squares = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct recorder *r = start(1000, seed);
        for (size_t i = 0; i < BLOCKS; i++) {
            uintptr_t address = BASE + i * 4096;
            alloc(r, 0, address, 100);
            if (i % 2 == 0) {
                feed_realloc(r, 1, address, address + 2048, 300, i % 4 == 0);
            }
        }
        double live = estimate_of(r, 0).value[LIVE_BYTES];
        double wrong = live - (BLOCKS * 0.75 * 100 + BLOCKS * 0.25 * 300);
        sum += wrong;
        squares += wrong * wrong;
        support_recorder_end(r);
    }
    assert_true(fabs(sum / SEEDS) < 4 * sqrt(squares) / SEEDS);
    assert_true(sqrt(squares / SEEDS) < 0.2 * BLOCKS * 150);
}

/* A block is temporary if it was the last one, of those that passed, too. */
static void temporary_blocks_are_estimated(void **state)
{
    (void)state;
    enum { SEEDS = 100, BLOCKS = 3000 };
    double sum = 0, squares = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct recorder *r = start(1000, seed);
        for (size_t i = 0; i < BLOCKS; i++) {
            uintptr_t address = BASE + i * 4096;
            alloc(r, 0, address, 100);
            if (i % 2 == 0) {
                alloc(r, 1, address + 2048, 10);
            }
            free_(r, address); /* temporary where no other was allocated since */
        }
        double temporary = 0;
        for (struct shard *s = atomic_load(&atomic_load(&r->threads)->shards); s;
             s = atomic_load(&s->next)) {
            temporary += (double)counter_get(&s->temporary_count);
        }
        double wrong = temporary - BLOCKS * 0.5;
        sum += wrong;
        squares += wrong * wrong;
        support_recorder_end(r);
    }
    assert_true(fabs(sum / SEEDS) < 4 * sqrt(squares) / SEEDS);
    assert_true(sqrt(squares / SEEDS) < 0.1 * BLOCKS);
}

/* Of every block that was sampled, however many it stands for. */
static void lifetimes_are_measured(void **state)
{
    (void)state;
    struct recorder *r = start(3000, 9);
    program(r);
    uint64_t all = 0;
    for (struct shard *s = atomic_load(&atomic_load(&r->threads)->shards); s;
         s = atomic_load(&s->next)) {
        const uint64_t lifetimes = support_lifetimes(s);
        assert_int_equal(lifetimes, counter_get(&s->free_count));
        all += lifetimes;
    }
    assert_true(all > 10000);
    support_recorder_end(r);
}

static void without_sampling_there_are_no_meters(void **state)
{
    (void)state;
    struct recorder *r = start(0, 1);
    alloc(r, 0, BASE, 10);
    assert_null(guard_tls.meter);
    assert_null(sampler_passing_free(&r->sampler, (void *)BASE, 0));
    assert_false(sampler_passes(0));
    support_recorder_end(r);
}

/* What a budget has made of the mean holds on in a child, whose estimates are told as such; a child
 * of a parent that records all is exact. */
static void a_child_tells_the_mean_that_it_goes_on_with(void **state)
{
    (void)state;
    for (uint64_t mean = 0; mean <= 4096; mean += 4096) {
        struct recorder *r = start_within(0, 1000, 1);
        r->sampler.budget.changes = 3;
        sampler_change(&r->sampler, mean);
        sampler_child(&r->sampler);
        json_t *d = dump(r);
        const json_t *mode = json_object_get(d, "mode"),
                     *changes = json_object_get(mode, "changes");
        assert_string_equal(json_string_value(json_object_get(mode, "kind")),
                            mean ? "sampled" : "exact");
        assert_int_equal(json_array_size(changes), mean ? 1 : 0);
        assert_int_equal(parsed_number(mode, "change_count"), mean ? 1 : 0);
        if (mean) {
            const json_t *change = json_array_get(changes, 0);
            assert_int_equal(parsed_number(mode, "mean_bytes"), mean);
            assert_int_equal(json_integer_value(json_array_get(change, 0)), 0);
            assert_int_equal(json_integer_value(json_array_get(change, 1)), mean);
        }
        json_decref(d);
        support_recorder_end(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_right_on_average_and_know_their_errors),
        cmocka_unit_test(a_mean_that_changes_leaves_no_bias),
        cmocka_unit_test(a_dump_is_valid_and_tells),
        cmocka_unit_test(realloc_is_a_free_and_an_allocation),
        cmocka_unit_test(temporary_blocks_are_estimated),
        cmocka_unit_test(lifetimes_are_measured),
        cmocka_unit_test(without_sampling_there_are_no_meters),
        cmocka_unit_test(a_child_tells_the_mean_that_it_goes_on_with),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
