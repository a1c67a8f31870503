/* SPDX-License-Identifier: MIT
 *
 * The last reading of what the resident set consists of (footprint.h), for dumps that cannot take
 * one or would take too long over it: of a process that was killed, whose pages are gone, and on an
 * interval. It lies in the recorder's section of the vault. Two copies, of which one is whole
 * whenever the process stops.
 *
 * A reading goes over all blocks, so the next one is not before a hundred times the time that it
 * took, and never sooner than after a second.
 *
 * Stored by who writes a dump, or has the right to (one thread at a time). Plain data.
 */
#ifndef PRELOAD_FOOTPRINT_KEPT_H
#define PRELOAD_FOOTPRINT_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Rows, in bytes, and what each is. */
#define FOOTPRINT_ROWS(X)                                                                          \
    X(live)      /* of live blocks, as they were asked for */                                      \
    X(rounding)  /* what glibc takes for them beyond that */                                       \
    X(heap_free) /* all else of the heap */                                                        \
    X(heap)      /* instead of these three, where blocks are sampled */                            \
    X(mapped)    /* anonymous memory that was recorded by MEMPROF_MMAP */                          \
    X(stack)                                                                                       \
    X(file)   /* pages of files, as they are in the file */                                        \
    X(data)   /* pages of files that were written to privately, and zero-initialised data */       \
    X(shared) /* shared memory */

struct footprint {
    bool known;
    uint64_t rss;
#define X(name) uint64_t name;
    FOOTPRINT_ROWS(X)
#undef X
    uint64_t cgroup_limit, cgroup_used; /* 0: there is no limit */
};

struct footprint_reading {
    struct footprint footprint;
    uint64_t elapsed_ns; /* when it was begun */
    uint64_t peak_rss_bytes, profiler_bytes;
};

/* Zero-initialised: there is none, and the first is due FOOTPRINT_FIRST_NS after the beginning. */
struct footprint_kept {
    _Atomic uint32_t number; /* of the readings so far; the last is in copy[number % 2] */
    uint64_t next_ns;
    struct footprint_reading copy[2];
};

#define FOOTPRINT_FIRST_NS 100000000u

static inline uint64_t footprint_kept_next(const struct footprint_kept *k)
{
    return k->next_ns ? k->next_ns : FOOTPRINT_FIRST_NS;
}

static inline bool footprint_kept_due(const struct footprint_kept *k, uint64_t elapsed_ns)
{
    return elapsed_ns >= footprint_kept_next(k);
}

/* Keeps READING, which took until END_NS, or was tried for so long in vain. */
void footprint_kept_store(struct footprint_kept *k, const struct footprint_reading *reading,
                          uint64_t end_ns);

/* The last one; NULL: there is none. */
const struct footprint_reading *footprint_kept_last(const struct footprint_kept *k);

#endif
