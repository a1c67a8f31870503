/* SPDX-License-Identifier: MIT
 *
 * A dump, loaded: plain arrays that say what the file says and nothing more. Owned by one
 * `struct dump`, freed together. Reading is load.h's job; what it all means is model.h's.
 */
#ifndef REPORT_DUMP_H
#define REPORT_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The counters that a site and the totals share, in the dump's order. The X-macro is the only list:
 * the loader, the checks of the sums and the columns derive from it. Sizes are bytes. */
#define DUMP_COUNTERS(X)                                                                           \
    X(alloc_count)                                                                                 \
    X(alloc_bytes)                                                                                 \
    X(free_count)                                                                                  \
    X(freed_bytes)                                                                                 \
    X(realloc_count)                                                                               \
    X(failed_count)                                                                                \
    X(temporary_count)                                                                             \
    X(live_count)                                                                                  \
    X(live_bytes)                                                                                  \
    X(peak_bytes)                                                                                  \
    X(peak_count)

/* Counters that only a site has; it may leave them out. */
#define DUMP_SITE_COUNTERS(X)                                                                      \
    X(max_live_bytes)                                                                              \
    X(threads) /* that allocated here; 0: not told */

/* Counters that only the totals have. */
#define DUMP_TOTALS(X)                                                                             \
    X(peak_elapsed_ns)                                                                             \
    X(peak_error_bytes)                                                                            \
    X(dropped_count)                                                                               \
    X(unknown_free_count)                                                                          \
    X(truncated_stack_count)

/* The counters that sampled dumps tell the standard error of, as NAME_se; left out where it is 0.
 */
#define DUMP_ERRORS(X)                                                                             \
    X(alloc_count)                                                                                 \
    X(alloc_bytes)                                                                                 \
    X(live_count)                                                                                  \
    X(live_bytes)                                                                                  \
    X(peak_bytes)

struct dump_errors {
#define X(name) uint64_t name;
    DUMP_ERRORS(X)
#undef X
};

struct dump_counters {
#define X(name) uint64_t name;
    DUMP_COUNTERS(X)
#undef X
};

struct dump_totals {
    struct dump_counters c;
    struct dump_errors se;
#define X(name) uint64_t name;
    DUMP_TOTALS(X)
#undef X
};

/* One executable mapping of a file. BUILD_ID is lower-case hex or NULL. */
struct dump_module {
    const char *path;
    const char *build_id;
    uint64_t start, end, file_offset, load_bias;
    uint64_t loaded_ns;
    uint64_t unloaded_ns; /* UINT64_MAX: still loaded at the dump */
};

struct pool;

/* See memprof/format.h. `module` < 0 is one of MEMPROF_MODULE_*. */
struct dump_frame {
    uint32_t parent; /* of frame 0: 0 */
    int32_t module;
    uint64_t offset : 63;
    uint64_t interrupted : 1; /* holds the very instruction, not a return address */
};

struct dump_interpreted {
    const char *language, *file, *function;
    uint32_t line;
};

/* Packed: see histogram.h. */
struct dump_histogram {
    const uint8_t *counts; /* the least byte of each first */
    uint8_t first, n; /* the buckets from FIRST up to N are present; <= MEMPROF_HISTOGRAM_BUCKETS */
    uint8_t width;    /* bytes of a count */
};

struct dump_site {
    uint32_t frame;
    const char *function;
    struct dump_counters c;
#define X(name) uint64_t name;
    DUMP_SITE_COUNTERS(X)
#undef X
    struct dump_histogram size_log2, lifetime_log2_ns;
};

struct dump_thread {
    uint64_t tid;
    const char *name;
    uint64_t alloc_count, alloc_bytes, free_count;
};

struct dump_timeline_row {
    uint64_t elapsed_ns, live_bytes, live_count, rss_bytes;
};

/* The parts of the profiler's own resident memory: name in the dump less "_bytes", label, meaning.
 */
#define DUMP_PROFILER_PARTS(X)                                                                     \
    X(live_table, "  live table", "of that: what is known of each live block")                     \
    X(stacks, "  stacks", "of that: each thread's known frames")                                   \
    X(sites, "  sites", "of that: the tree of call stacks")                                        \
    X(counters, "  counters", "of that: figures by thread and stack")                              \
    X(rules, "  rules", "of that: how frames are left, by address")                                \
    X(mappings, "  mappings", "of that: what is mapped by whom")                                   \
    X(modules, "  modules", "of that: which files were mapped where")                              \
    X(timeline, "  timeline", "of that: rows of the timeline")                                     \
    X(threads, "  threads", "of that: threads' ways from a stack to its figures")                  \
    X(sampler, "  sampler", "of that: sampled blocks")                                             \
    X(libraries, "  libraries", "of that: pages of libmemprof and libunwind")                      \
    X(dump, "  dump", "of that: for writing the dump")                                             \
    X(other, "  other", "of that: all else")

struct dump_profiler {
#define X(name, label, meaning) uint64_t name;
    DUMP_PROFILER_PARTS(X)
#undef X
};

/* What the resident set consists of, beside the profiler's own: name in the dump less "_bytes",
 * label, meaning. */
#define DUMP_RESIDENT(X)                                                                           \
    X(live, "Live blocks", "of what is not freed, the part that is resident")                      \
    X(rounding, "Rounding", "what the allocator takes for them beyond that")                       \
    X(heap_free, "Heap, free", "freed blocks and all else of the allocator's")                     \
    X(heap, "Heap", "all of the allocator's; it is not known what is in blocks")                   \
    X(mapped, "Mapped", "mapped by the program itself, as recorded")                               \
    X(stack, "Stacks", "of all threads")                                                           \
    X(file, "Files", "pages of programs, libraries and mapped files")                              \
    X(data, "Data", "pages of files that were written to, and zeroed data")                        \
    X(shared, "Shared", "shared memory")

struct dump_resident {
#define X(name, label, meaning) uint64_t name;
    DUMP_RESIDENT(X)
#undef X
};

/* What the library itself says about how much of the program it saw. */
struct dump_warning {
    const char *code; /* stable identifier, e.g. "static-allocator" */
    const char *text;
};

/* What the library found out about the blocks that were not freed. */
#define DUMP_LEAK_KINDS(X)                                                                         \
    X(definite)                                                                                    \
    X(indirect)                                                                                    \
    X(possible)                                                                                    \
    X(reachable)

enum dump_leak_kind {
#define X(name) DUMP_LEAK_##name,
    DUMP_LEAK_KINDS(X)
#undef X
        DUMP_LEAK_KIND_COUNT
};

/* The blocks of one kind that one stack holds. */
struct dump_leak_record {
    uint32_t frame;
    enum dump_leak_kind kind;
    uint64_t bytes, count;
};

struct dump_leaks {
    const char *method; /* NULL: not looked for */
    bool classified;    /* the kinds below are known */
#define X(name) uint64_t name##_bytes, name##_count;
    DUMP_LEAK_KINDS(X)
#undef X
    struct dump_leak_record *records; /* may be none although there are kinds */
    size_t nrecords;
};

struct dump_process {
    uint64_t pid, ppid;
    uint64_t parent_pid; /* of the recorded process that forked it; 0: none */
    const char *exe, *cwd, *hostname, *start_time, *arch, *allocator;
    const char **argv;
    size_t nargv;
};

/* What a forked child got from its parent: in none of the counters. */
struct dump_inherited {
    uint64_t count, bytes, free_count;
};

/* What was recorded of one kind of memory. */
struct dump_recorded {
    struct dump_totals totals;
    struct dump_site *sites;
    size_t nsites;
    bool has_site_threads; /* some site tells how many threads allocated there */
    struct dump_inherited inherited;
};

/* The signal that ended the program, as the kernel told it. */
struct dump_signal {
    uint64_t number; /* 0: none */
    const char *name;
    int code;        /* above 0 the kernel raised it */
    uint64_t sender; /* 0: not known */
    bool has_address;
    uint64_t address; /* of a fault */
};

/* What asked for a snapshot, where the reason does not say it. */
struct dump_trigger {
    const char *kind; /* NULL: nothing */
    uint64_t limit_bytes, used_bytes, requested_bytes;
};

struct dump {
    const char *path; /* of the file it was read from */
    const char *producer;
    struct dump_process process;
    const char *reason; /* "exit", "signal", .. */
    struct dump_signal signal;
    struct dump_trigger trigger;
    uint64_t sequence, elapsed_ns;
    bool complete;
    uint64_t sample_mean_bytes; /* 0: exact */
    bool has_errors;            /* standard errors are told */
    bool has_counted;           /* what was counted, not estimated, is told */
    struct {
        uint64_t alloc_count, alloc_bytes, free_count;
    } counted;
    /* Of CPU time, in percent: the limit that was asked for, 0 if none, and what recording took. */
    double max_overhead, overhead;
    uint64_t sample_changes; /* of the mean, to stay within the limit */
    struct dump_totals totals;
    uint64_t rss_bytes, peak_rss_bytes, profiler_bytes;
    struct dump_profiler profiler;
    bool has_resident;     /* the rows below, the profiler's and a rest make up a resident set */
    bool resident_earlier; /* than the dump: at resident_ns */
    uint64_t resident_ns, resident_rss_bytes, resident_profiler_bytes;
    struct dump_resident resident;
    uint64_t cgroup_used, cgroup_limit; /* 0: no limit */
    struct dump_inherited inherited;
    bool leaks_unwanted; /* MEMPROF_LEAK_CHECK=none: no leak summary unless asked for */
    bool has_coverage;   /* the dump says how much the library saw */
    double coverage_percent;
    struct dump_warning *warnings; /* the dump's own, then what load.h found */
    size_t nwarnings;
    struct dump_module *modules;
    size_t nmodules;
    struct dump_frame *frames; /* nframes >= 1: the root */
    size_t nframes;
    struct dump_interpreted *interpreted;
    size_t ninterpreted;
    struct dump_site *sites;
    size_t nsites;
    struct dump_errors *errors; /* of the first nerrors sites; the others' are 0 */
    size_t nerrors;
    bool has_site_threads; /* some site tells how many threads allocated there */
    struct dump_timeline_row *timeline;
    size_t ntimeline;
    struct dump_thread *threads;
    size_t nthreads;
    struct dump_leaks leaks;
    /* Of mappings, if they were recorded. `of_mappings`: the other way round, all of the above is
     * of mappings, and this of blocks; see load_use_mappings. */
    struct dump_recorded mappings;
    bool has_mappings, of_mappings;
    const char *lsan_suppressions; /* what the program itself wants suppressed; NULL: nothing */
    struct pool *storage;          /* what the strings live in */
};

/* What the sites allocate, as a word. */
static inline const char *dump_thing(const struct dump *dump)
{
    return dump->of_mappings ? "mapping" : "block";
}

#endif
