/* SPDX-License-Identifier: MIT
 *
 * When the program's heap has been much smaller than before for a while, the memory of the live
 * table that was for the rest of it is given back to the kernel, a little at a time.
 *
 * By the recorder's periodic work, one thread at a time, no lock held.
 */
#ifndef PRELOAD_TRIM_H
#define PRELOAD_TRIM_H

#include <stddef.h>
#include <stdint.h>

struct live;

struct trim {
    uint64_t high_bytes; /* the most live bytes since memory was given back */
    uint64_t low_since;  /* ns; 0: the heap is not small */
    size_t cursor;       /* of live_trim */
};

/* The program has LIVE_BYTES at ELAPSED_NS. May take BUDGET ticks. */
void trim_look(struct trim *t, struct live *l, uint64_t live_bytes, uint64_t elapsed_ns,
               uint64_t budget);

#endif
