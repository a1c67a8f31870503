/* SPDX-License-Identifier: MIT
 *
 * The numbers that sampling needs: how many bytes to the next sample, and how many blocks a sampled
 * one stands for. Pure functions of a generator's state, without libm. Any thread with its own
 * state.
 */
#ifndef PRELOAD_SAMPLER_RANDOM_H
#define PRELOAD_SAMPLER_RANDOM_H

#include <stdint.h>

#define SAMPLER_MAX_MEAN ((uint64_t)1 << 40)

/* The next 64 bits of the sequence that *STATE, any value, stands in: splitmix64 (Steele, Lea and
 * Flood, Fast splittable pseudorandom number generators, OOPSLA 2014). */
uint64_t sampler_random(uint64_t *state);

/* Whole bytes before the next point of a Poisson process with a point each MEAN bytes on average,
 * 1 <= MEAN <= SAMPLER_MAX_MEAN: exponentially distributed, rounded down. */
uint64_t sampler_gap(uint64_t *state, uint64_t mean);

/* The chance that such a process has a point in a block of SIZE bytes and the one byte that every
 * block is given on top, so that blocks of 0 bytes have a chance: 1 - exp(-(SIZE + 1) / MEAN). */
double sampler_chance(uint64_t size, uint64_t mean);

/* A whole number whose mean over *STATE is 1 / sampler_chance(SIZE, MEAN): one of the two next to
 * it. 1 at least. */
uint64_t sampler_weight(uint64_t *state, uint64_t size, uint64_t mean);

#endif
