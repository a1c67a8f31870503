/* SPDX-License-Identifier: MIT
 *
 * What the resident set consists of: each area of /proc/self/smaps is taken apart by what lies in
 * it, so that the rows add up to the resident set as it was read, whatever the program does
 * meanwhile. An area's resident pages are given to what is known of it in this order: the
 * profiler's own, stacks, mappings that were recorded (MEMPROF_MMAP), the heap; of what remains
 * nobody is known to have it.
 *
 * What belongs to the heap:
 * - the area that brk moves, and glibc's heaps for threads, which begin at multiples of 64 MiB and
 *   are not accessible from some point on (HEAP_MAX_SIZE in glibc's malloc/arena.c): all of it;
 * - elsewhere, with glibc, the pages of live blocks, which have mappings of their own there;
 * - with other allocators, every area that has a live block in it.
 * What glibc takes for a block of n bytes is n + 8 rounded up to 16, at least 32; the rest of the
 * pages, if it has a mapping of its own.
 *
 * Allocates nothing, takes the lock of mappings.h for short times. Any thread, under the guard.
 */
#ifndef PRELOAD_FOOTPRINT_H
#define PRELOAD_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "footprint_kept.h"
#include "json.h"
#include "memory.h"
#include "recorder.h"

/* A stretch of memory that is mapped for writing the dump. */
struct footprint_own {
    const void *start;
    size_t size;
};

/* Fills in F, and lets M tell of it: its RSS is then what was found here, page by page, instead of
 * the kernel's running count. SAMPLED: not all blocks are known. Leaves all as it is if the kernel
 * does not tell. */
void footprint_read(struct footprint *f, struct memory *m, struct recorder *r,
                    const struct footprint_own *own, size_t nown, bool sampled);

/* The same for a reading that is kept, and no dump: see footprint_kept.h. On a stack with room. */
void footprint_look(struct recorder *r);

/* Writes the members `resident` and `cgroup` of an object. PROFILER: resident bytes of its own,
 * which are a row, too. */
void footprint_write(struct json *j, const struct footprint *f, uint64_t profiler);

/* The same of a reading that was taken before the dump, with the member `resident_at`. */
void footprint_write_kept(struct json *j, const struct footprint_reading *reading);

#endif
