/* SPDX-License-Identifier: MIT
 *
 * The numbers that sampling draws, against the distributions that they are said to have. Seeds are
 * fixed: nothing here fails now and then.
 */
#include "sampler_random.h"

#include <math.h>

#include "support.h"

static const uint64_t means[] = {1, 2, 64, 4096, 524288, 1000000007, SAMPLER_MAX_MEAN};
#define MEANS (sizeof means / sizeof means[0])

/* The floor of an exponential distribution: P(gap >= n) = exp(-n / mean), for whole n. */
static void gaps_have_the_distribution(void **state)
{
    (void)state;
    enum { DRAWS = 400000, BINS = 20 };
    uint64_t random = 1;
    for (size_t m = 0; m < MEANS; m++) {
        double mean = (double)means[m], sum = 0;
        uint64_t at_least[BINS + 1] = {0}, from[BINS + 1];
        for (int i = 0; i <= BINS; i++) {
            from[i] = (uint64_t)(mean * 0.2 * i);
        }
        for (int i = 0; i < DRAWS; i++) {
            uint64_t gap = sampler_gap(&random, means[m]);
            sum += (double)gap;
            for (int part = 0; part <= BINS; part++) {
                at_least[part] += gap >= from[part];
            }
        }
        double expected = 1 / expm1(1 / mean);
        double sigma = sqrt(exp(-1 / mean)) / -expm1(-1 / mean) / sqrt(DRAWS);
        assert_true(fabs(sum / DRAWS - expected) < 5 * sigma);
        for (int part = 0; part <= BINS; part++) {
            double p = exp(-(double)from[part] / mean);
            double bound = 5 * sqrt(DRAWS * p * (1 - p)) + 1e-6;
            assert_true(fabs((double)at_least[part] - DRAWS * p) < bound);
        }
    }
}

static void gaps_do_not_depend_on_those_before(void **state)
{
    (void)state;
    enum { DRAWS = 400000 };
    uint64_t random = 2;
    double mean = 10000, before = 0, product = 0;
    for (int i = 0; i < DRAWS; i++) {
        double gap = (double)sampler_gap(&random, (uint64_t)mean) / mean - 1;
        product += gap * before;
        before = gap;
    }
    assert_true(fabs(product / DRAWS) < 5 / sqrt(DRAWS));
}

static void chances_are_exact(void **state)
{
    (void)state;
    for (size_t m = 0; m < MEANS; m++) {
        for (uint64_t size = 0; size < (uint64_t)1 << 50; size = size * 2 + size / 7 + 1) {
            double p = -expm1(-((double)size + 1) / (double)means[m]);
            assert_true(fabs(sampler_chance(size, means[m]) - p) <= 1e-11 * p);
        }
    }
}

/* One of the two whole numbers beside 1/p, and 1/p on average. */
static void weights_are_inverse_chances(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    uint64_t random = 3;
    static const uint64_t sizes[] = {0, 1, 100, 3000, 4096, 10000, 40000, 1 << 30};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double weight = 1 / sampler_chance(sizes[i], 4096), sum = 0;
        for (int n = 0; n < DRAWS; n++) {
            uint64_t drawn = sampler_weight(&random, sizes[i], 4096);
            assert_true(drawn == (uint64_t)weight || drawn == (uint64_t)weight + 1);
            sum += (double)drawn;
        }
        assert_true(fabs(sum / DRAWS - weight) < 5 * 0.5 / sqrt(DRAWS));
    }
    assert_int_equal(sampler_weight(&random, UINT64_MAX, 1), 1);
    assert_int_equal(sampler_weight(&random, 1 << 20, 64), 1);
}

static void equal_states_give_equal_numbers(void **state)
{
    (void)state;
    uint64_t a = 7, b = 7, c = 8;
    for (int i = 0; i < 100; i++) {
        uint64_t x = sampler_random(&a);
        assert_true(x == sampler_random(&b));
        assert_true(x != sampler_random(&c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_have_the_distribution),
        cmocka_unit_test(gaps_do_not_depend_on_those_before),
        cmocka_unit_test(chances_are_exact),
        cmocka_unit_test(weights_are_inverse_chances),
        cmocka_unit_test(equal_states_give_equal_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
