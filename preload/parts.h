/* SPDX-License-Identifier: MIT
 *
 * The parts of the profiler's own memory that are taken from pools. Each part has pools of its own,
 * so that a dump can say how much of it is resident: see memory.h. Their names there are these,
 * with _bytes.
 */
#ifndef PRELOAD_PARTS_H
#define PRELOAD_PARTS_H

#define PARTS_EACH(X)                                                                              \
    X(PART_LIVE, "live_table_bytes")   /* what is known of each live block */                      \
    X(PART_STACKS, "stacks_bytes")     /* each thread's known frames, and room for a stack */      \
    X(PART_SITES, "sites_bytes")       /* the calling-context tree, and the sites in it */         \
    X(PART_COUNTERS, "counters_bytes") /* each thread's shards, and their histograms */            \
    X(PART_RULES, "rules_bytes")       /* how frames are left, by instruction address */           \
    X(PART_MODULES, "modules_bytes")   /* which files' code is and was mapped where */             \
    X(PART_TIMELINE, "timeline_bytes")                                                             \
    X(PART_THREADS, "threads_bytes") /* threads' states, and the ways from stack to shard */       \
    X(PART_SAMPLER, "sampler_bytes")                                                               \
    X(PART_MAPPINGS, "mappings_bytes") /* what is mapped by whom, with MEMPROF_MMAP */             \
    X(PART_OTHER, "other_bytes")

enum part {
#define X(part, name) part,
    PARTS_EACH(X)
#undef X
        PARTS /* how many there are */
};

#endif
