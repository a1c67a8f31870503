/* SPDX-License-Identifier: MIT */
#include "dump_content.h"

#include <memprof/format.h>
#include <string.h>
#include <sys/syscall.h>

#include "coverage.h"
#include "dump_mappings.h"
#include "dump_tree.h"
#include "embedded.h"
#include "footprint.h"
#include "process.h"

static void write_process(struct json *j, const struct recorder *r, const struct dump_facts *f)
{
    json_open(j, "process", '{');
    json_uint(j, "pid", (uint64_t)r->pid);
    json_uint(j, "ppid", f ? f->ppid : (uint64_t)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0));
    json_string(j, "exe", r->exe);
    json_open(j, "argv", '[');
    for (const char *const *arg = process.argv; arg && *arg; arg++) {
        json_string(j, NULL, *arg);
    }
    json_close(j, ']');
    json_string(j, "cwd", process.cwd);
    json_string(j, "hostname", process.hostname);
    json_string(j, "start_time", process.start_time);
    json_string(j, "arch", process.arch);
    json_string(j, "allocator", process.allocator);
    if (r->parent_pid) {
        json_open(j, "parent", '{');
        json_uint(j, "pid", (uint64_t)r->parent_pid);
        json_string(j, "start_time", r->parent_start_time);
        json_close(j, '}');
    } else {
        json_null(j, "parent");
    }
    json_close(j, '}');
}

static void write_head(struct json *j, struct recorder *r, const struct dump_request *q,
                       struct dump_sites *sites, uint64_t elapsed)
{
    json_string(j, "format", MEMPROF_FORMAT_NAME);
    json_uint(j, "version", MEMPROF_FORMAT_VERSION);
    json_string(j, "producer", MEMPROF_PRODUCER);
    json_newline(j);
    write_process(j, r, q->facts);
    json_newline(j);
    json_open(j, "dump", '{');
    json_string(j, "reason", q->reason);
    json_uint(j, "sequence", atomic_load(&r->dump_sequence));
    json_uint(j, "elapsed_ns", elapsed);
    json_bool(j, "complete", !q->facts || q->facts->complete);
    if (q->cause) {
        cause_write(j, q->cause);
    }
    json_close(j, '}');
    json_newline(j);
    sites->plain = !sampler_dump_mode(j, r, elapsed);
    json_open(j, "settings", '{');
    json_string(j, "out", r->options.out);
    json_uint(j, "interval_ns", r->options.interval_ns);
    json_uint(j, "signal", (uint64_t)r->options.signal);
    json_uint(j, "max_depth", r->options.max_depth);
    json_uint(j, "verify", r->options.verify);
    json_uint(j, "sample", r->options.sample_mean);
    json_string(j, "leak_check", r->options.leak_check == LEAK_CHECK_NONE ? "none" : "live");
    json_uint(j, "mmap", r->options.mmap);
    json_string(j, "stacks", r->unwind_trouble ? "caller" : "libunwind");
    if (r->vault.header || r->vault.trouble) {
        json_string(j, "kept",
                    r->vault.trouble   ? r->vault.trouble
                    : r->vault.watched ? "by a process of its own"
                                       : "by the launcher");
    }
    json_close(j, '}');
    json_newline(j);
}

/* PEAK_TICKS: when the peak was; 0: there was none. */
static void write_totals(struct json *j, const char *key, const struct recorder *r,
                         const struct dump_totals *t, uint64_t peak_ticks, uint64_t peak_error,
                         uint64_t elapsed)
{
    uint64_t peak_ns =
        peak_ticks ? clock_ticks_to_ns(&r->clock, peak_ticks - r->clock.start_ticks) : 0;
    json_open(j, key, '{');
    json_uint(j, "alloc_count", t->alloc_count);
    json_uint(j, "alloc_bytes", t->alloc_bytes);
    json_uint(j, "free_count", t->free_count);
    json_uint(j, "freed_bytes", t->freed_bytes);
    json_uint(j, "realloc_count", t->realloc_count);
    json_uint(j, "failed_count", t->failed_count);
    json_uint(j, "temporary_count", t->temporary_count);
    json_uint(j, "live_count", t->live_count);
    json_uint(j, "live_bytes", t->live_bytes);
    json_uint(j, "peak_bytes", t->peak_bytes);
    json_uint(j, "peak_count", t->peak_count);
    json_uint(j, "peak_elapsed_ns", peak_ns < elapsed ? peak_ns : elapsed);
    json_uint(j, "peak_error_bytes", peak_error);
    json_uint(j, "dropped_count", t->dropped_count);
    json_uint(j, "unknown_free_count", t->unknown_free_count);
    json_uint(j, "missed_free_count", t->missed_free_count);
    json_uint(j, "truncated_stack_count", t->truncated_stack_count);
    sampler_dump_errors(j, &t->errors);
    json_close(j, '}');
    json_newline(j);
}

/* Of what a child inherited: of a block that was being resized when it was forked the table did not
 * tell. */
static uint64_t left_of(uint64_t inherited, uint64_t freed)
{
    return inherited > freed ? inherited - freed : 0;
}

static void write_inherited(struct json *j, const char *key, uint64_t count, uint64_t bytes,
                            uint64_t free_count)
{
    json_open(j, key, '{');
    json_uint(j, "live_count", count);
    json_uint(j, "live_bytes", bytes);
    json_uint(j, "free_count", free_count);
    json_close(j, '}');
}

/* What MEMPROF_MMAP adds. Without memory nothing of it. */
static void write_mappings(struct json *j, struct recorder *r, const struct dump_sites *sites,
                           uint64_t elapsed)
{
    struct dump_mappings d;
    if (dump_mappings_begin(&d, r, sites) == 0) {
        dump_mappings_write(&d, j, r);
        write_totals(j, "mmap_totals", r, &d.totals, d.peak_ticks, 0, elapsed);
        write_inherited(j, "mmap_inherited", d.inherited_count, d.inherited_bytes,
                        d.inherited_free_count);
    }
    dump_mappings_end(&d);
}

static void write_row(struct json *j, const struct timeline_row *row)
{
    json_open(j, NULL, '[');
    json_uint(j, NULL, row->elapsed_ns);
    json_uint(j, NULL, row->live_bytes);
    json_uint(j, NULL, row->live_count);
    json_uint(j, NULL, row->rss_bytes);
    json_close(j, ']');
}

/* The rows, and NOW as the last. Other threads may be adding more. */
static void write_timeline(struct json *j, struct recorder *r, const struct timeline_row *now)
{
    static const char *const columns[] = {"elapsed_ns", "live_bytes", "live_count", "rss_bytes"};
    json_open(j, "timeline", '{');
    json_open(j, "columns", '[');
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        json_string(j, NULL, columns[i]);
    }
    json_close(j, ']');
    json_open(j, "rows", '[');
    sys_sigset before;
    if (sys_lock_within(&r->lock, DUMP_WAIT_MS, &before)) {
        for (uint32_t i = 0; i < r->timeline.n; i++) {
            if (r->timeline.row[i].elapsed_ns <= now->elapsed_ns) {
                write_row(j, &r->timeline.row[i]);
            }
        }
        sys_unlock(&r->lock, before);
    }
    write_row(j, now);
    json_close(j, ']');
    json_close(j, '}');
    json_newline(j);
}

static void write_thread(struct json *j, const struct thread_record *t)
{
    json_open(j, NULL, '{');
    json_uint(j, "tid", (uint64_t)t->tid);
    json_string(j, "name", t->name);
    json_uint(j, "alloc_count", t->alloc_count);
    json_uint(j, "alloc_bytes", t->alloc_bytes);
    json_uint(j, "free_count", t->free_count);
    json_close(j, '}');
}

static void write_threads(struct json *j, struct recorder *r, const struct dump_facts *f)
{
    json_open(j, "threads", '[');
    for (uint32_t i = 0; i < r->ended_count; i++) {
        write_thread(j, &r->ended[i]);
    }
    if (r->others.alloc_count + r->others.free_count > 0) {
        write_thread(j, &r->others);
    }
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        if (t->in_use) {
            struct thread_record record;
            recorder_thread_counts(t, &record);
            if (f) {
                memcpy(record.name, t->name, sizeof record.name);
            } else {
                memory_thread_name(t->tid, record.name, sizeof record.name);
            }
            write_thread(j, &record);
        }
    }
    json_close(j, ']');
    json_newline(j);
}

/* What the resident set consists of: now, in F; or, of a process that has ended, or where it would
 * take too long to go over all blocks again and again, as it was found before. */
static void find_footprint(struct footprint *f, struct memory *m, struct recorder *r,
                           const struct dump_request *q, const struct footprint_own own[2],
                           uint64_t elapsed)
{
    if (q->facts ||
        (strcmp(q->reason, "interval") == 0 && !footprint_kept_due(&r->footprint, elapsed))) {
        m->kept = footprint_kept_last(&r->footprint);
        return;
    }
    footprint_read(f, m, r, own, 2, r->sampler.on);
    const struct footprint_reading reading = {*f, elapsed, m->peak_rss_bytes, m->profiler_bytes};
    footprint_kept_store(&r->footprint, &reading, clock_elapsed_ns(&r->clock));
}

void dump_content_write(struct json *j, struct recorder *r, const struct dump_request *q,
                        struct dump_sites *sites)
{
    struct dump_totals totals = {0};
    struct memory memory;
    if (q->facts) {
        memory = q->facts->memory;
    } else {
        memory_read(&memory, r);
        memory_add_dump(&memory, j, sizeof *j);
        memory_add_dump(&memory, sites->first, sites->mapped);
    }
    clock_calibrate(&r->clock);
    const uint64_t elapsed = clock_elapsed_ns(&r->clock);
    json_open(j, NULL, '{');
    write_head(j, r, q, sites, elapsed);
    dump_sites_write(sites, j, r, &totals);
    write_totals(j, "totals", r, &totals, sites->peak_ticks,
                 dump_sites_peak_error(sites, r, &totals), elapsed);
    if (r->options.mmap) {
        write_mappings(j, r, sites, elapsed);
    }
    struct footprint footprint;
    const struct footprint_own own[2] = {{j, sizeof *j}, {sites->first, sites->mapped}};
    find_footprint(&footprint, &memory, r, q, own, elapsed);
    memory_write(j, &memory);
    coverage_write(j, r, &totals, memory.rss_bytes);
    json_newline(j);
    write_inherited(j, "inherited", left_of(r->inherited.live_count, totals.inherited_free_count),
                    left_of(r->inherited.live_bytes, totals.inherited_freed_bytes),
                    totals.inherited_free_count);
    if (r->options.verify) {
        json_open(j, "verify", '{');
        json_uint(j, "compared", totals.verified_count);
        json_uint(j, "different", totals.different_count);
        json_close(j, '}');
    }
    json_newline(j);
    dump_tree_modules(j, r, sites->modules);
    dump_tree_frames(j, r, sites->frames);
    const struct timeline_row now = {elapsed, totals.live_bytes, totals.live_count,
                                     memory.rss_bytes};
    write_timeline(j, r, &now);
    write_threads(j, r, q->facts);
    json_null(j, "leaks");
    if (embedded_suppressions()) {
        json_string(j, "lsan_suppressions", embedded_suppressions());
    }
    json_close(j, '}');
}
