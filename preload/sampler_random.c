/* SPDX-License-Identifier: MIT */
#include "sampler_random.h"

#define LN2 0.69314718055994530942
#define SQRT2 1.41421356237309504880
#define TWO_TO_63 9223372036854775808.0
#define TWO_TO_53 9007199254740992.0

uint64_t sampler_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ln M for 1 <= M <= 2, by the series of the inverse hyperbolic tangent: below 1e-13 wrong. */
static double ln_mantissa(double m)
{
    double base = 0;
    if (m > SQRT2) {
        m /= 2;
        base = LN2;
    }
    double t = (m - 1) / (m + 1), square = t * t, sum = 0;
    for (int n = 15; n >= 1; n -= 2) {
        sum = sum * square + 1.0 / n;
    }
    return base + 2 * t * sum;
}

/* -ln U of U = (BITS + 1) / 2^64: the inverse of the exponential distribution function. */
static double minus_ln(uint64_t bits)
{
    if (bits == UINT64_MAX) {
        return 0;
    }
    int zeros = __builtin_clzll(bits + 1);
    uint64_t mantissa = (bits + 1) << zeros;
    return (zeros + 1) * LN2 - ln_mantissa((double)mantissa / TWO_TO_63);
}

uint64_t sampler_gap(uint64_t *state, uint64_t mean)
{
    return (uint64_t)(minus_ln(sampler_random(state)) * (double)mean);
}

/* 1 - exp(-X), X >= 0, to a relative 1e-12: halved until the series is short, then back by
 * 1 - exp(-2a) = y (2 - y) where y = 1 - exp(-a). */
static double one_minus_exp(double x)
{
    int halvings = 0;
    if (x > 40) {
        return 1;
    }
    while (x > 0.25) {
        x /= 2;
        halvings++;
    }
    double y = 0;
    for (int n = 11; n >= 1; n--) {
        y = x / n * (1 - y);
    }
    for (; halvings > 0; halvings--) {
        y *= 2 - y;
    }
    return y;
}

double sampler_chance(uint64_t size, uint64_t mean)
{
    return one_minus_exp(((double)size + 1) / (double)mean);
}

uint64_t sampler_weight(uint64_t *state, uint64_t size, uint64_t mean)
{
    double weight = 1 / sampler_chance(size, mean);
    uint64_t whole = (uint64_t)weight;
    double uniform = (double)(sampler_random(state) >> 11) / TWO_TO_53;
    return whole + (uniform < weight - (double)whole);
}
