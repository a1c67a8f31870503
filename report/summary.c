/* SPDX-License-Identifier: MIT */
#include "summary.h"

static void add(struct summary *s, struct summary_total total)
{
    s->totals[s->ntotals++] = total;
}

static void add_both(struct summary *s, const char *key, const char *label, uint64_t bytes,
                     uint64_t count, const char *meaning)
{
    add(s, (struct summary_total){.key = key,
                                  .label = label,
                                  .has_bytes = true,
                                  .has_count = true,
                                  .bytes = bytes,
                                  .count = count,
                                  .meaning = meaning});
}

/* The standard errors of the last one. */
static void add_errors(struct summary *s, uint64_t bytes, uint64_t count)
{
    s->totals[s->ntotals - 1].bytes_error = bytes;
    s->totals[s->ntotals - 1].count_error = count;
}

/* A count that is of interest only if it is not 0. */
static void add_count(struct summary *s, const char *key, const char *label, uint64_t count,
                      const char *meaning)
{
    if (count)
        add(s,
            (struct summary_total){
                .key = key, .label = label, .has_count = true, .count = count, .meaning = meaning});
}

static void add_bytes(struct summary *s, const char *key, const char *label, uint64_t bytes,
                      const char *meaning)
{
    if (bytes)
        add(s,
            (struct summary_total){
                .key = key, .label = label, .has_bytes = true, .bytes = bytes, .meaning = meaning});
}

/* The profiler's memory, and the parts that are worth a line. */
static void add_profiler(struct summary *s, const struct dump *dump)
{
    add_bytes(s, "profiler", "Profiler", dump->profiler_bytes, "memory of memprof itself");
#define X(name, label, meaning)                                                                    \
    if (dump->profiler.name > dump->profiler_bytes / 16)                                           \
        add_bytes(s, "profiler_" #name, label, dump->profiler.name, meaning);
    DUMP_PROFILER_PARTS(X)
#undef X
}

/* What the program mapped itself, if that is not what all is about. */
static void add_mappings(struct summary *s, const struct dump *dump)
{
    if (!dump->has_mappings || dump->of_mappings)
        return;
    const struct dump_counters *c = &dump->mappings.totals.c;
    add_both(s, "mapped_peak", "Mapped, peak", c->peak_bytes, c->peak_count,
             "address space that the program mapped itself; --mmap shows where");
    add_both(s, "mapped", "Mapped", c->live_bytes, c->live_count,
             "of that, not unmapped at the dump");
    s->totals[s->ntotals - 1].mappings = s->totals[s->ntotals - 2].mappings = true;
}

struct summary summary_new(const struct dump *dump)
{
    const struct dump_totals *t = &dump->totals;
    struct summary s = {.dump = dump};
    add_both(&s, "peak", "Peak", t->c.peak_bytes, t->c.peak_count,
             "most that was ever held at once");
    add_errors(&s, t->se.peak_bytes, 0);
    add_both(&s, "live", "Not freed", t->c.live_bytes, t->c.live_count, "held at the dump");
    add_errors(&s, t->se.live_bytes, t->se.live_count);
    add_both(&s, "allocated", "Allocated", t->c.alloc_bytes, t->c.alloc_count,
             "over the whole run, sizes as asked for");
    add_errors(&s, t->se.alloc_bytes, t->se.alloc_count);
    if (dump->has_counted)
        add_both(&s, "counted", "Counted", dump->counted.alloc_bytes, dump->counted.alloc_count,
                 "the same, known without error");
    add_both(&s, "freed", "Freed", t->c.freed_bytes, t->c.free_count, "over the whole run");
    add_count(&s, "temporary", "Temporary", t->c.temporary_count,
              "freed before their thread allocated again");
    add_count(&s, "realloc", "Reallocated", t->c.realloc_count,
              "counted as an allocation and a free each");
    add_count(&s, "failed", "Failed", t->c.failed_count, "calls that got no memory");
    add_bytes(&s, "peak_error", "Peak within", t->peak_error_bytes,
              "the peak is exact to this much, as threads ran at once");
    if (dump->inherited.count)
        add_both(&s, "inherited", "Inherited", dump->inherited.bytes, dump->inherited.count,
                 "held when the process was forked, in none of the above");
    add_mappings(&s, dump);
    add_bytes(&s, "peak_rss", "Peak RSS", dump->peak_rss_bytes,
              "resident memory of the whole process at its highest");
    add_bytes(&s, "rss", "RSS", dump->rss_bytes, "resident memory at the dump");
    add_profiler(&s, dump);
    add_count(&s, "dropped", "Dropped", t->dropped_count, "events that could not be recorded");
    add_count(&s, "unknown_free", "Unknown frees", t->unknown_free_count,
              "frees of blocks that were never seen");
    add_count(&s, "truncated_stack", "Cut stacks", t->truncated_stack_count,
              "deeper than MEMPROF_MAX_DEPTH");
    return s;
}
