/* SPDX-License-Identifier: MIT
 *
 * The sums over what a dump wrote.
 */
#ifndef PRELOAD_DUMP_TOTALS_H
#define PRELOAD_DUMP_TOTALS_H

#include <stdint.h>

#include "sampler_dump.h"

struct dump_totals {
    uint64_t alloc_count, alloc_bytes, free_count, freed_bytes;
    uint64_t realloc_count, failed_count, temporary_count;
    uint64_t live_count, live_bytes, peak_count, peak_bytes;
    struct sampler_errors errors;
    /* Of all threads. */
    uint64_t dropped_count, unknown_free_count, missed_free_count, truncated_stack_count;
    uint64_t inherited_free_count, inherited_freed_bytes, verified_count, different_count;
};

#endif
