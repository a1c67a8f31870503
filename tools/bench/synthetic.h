/* SPDX-License-Identifier: MIT
 *
 * The workloads of `synthetic`. Each returns a checksum that depends on its arguments only: not on
 * addresses, nor on the order in which threads run.
 */
#ifndef BENCH_SYNTHETIC_H
#define BENCH_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

struct synthetic_arguments {
    uint64_t count; /* of operations, over all threads */
    uint64_t paths;
    uint64_t threads;
};

typedef uint64_t synthetic_workload(const struct synthetic_arguments *arguments);

/* In synthetic_threads.c. */
synthetic_workload synthetic_random_path, synthetic_producer_consumer;

/* malloc, or an end of the program that says why. */
void *synthetic_allocate(size_t size);

#endif
