/* SPDX-License-Identifier: MIT */
#include "dump.h"

#include <errno.h>
#include <memprof/format.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "coverage.h"
#include "dump_sites.h"
#include "json.h"
#include "memory.h"
#include "process.h"
#include "text.h"

/* Too large for the stacks that we may run on. */
struct work {
    struct outfile file;
    struct json json;
    char message[OUTFILE_PATH_MAX + 256];
};

static void write_process(struct json *j, const struct recorder *r)
{
    json_open(j, "process", '{');
    json_uint(j, "pid", (uint64_t)r->pid);
    json_uint(j, "ppid", (uint64_t)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0));
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

static void write_head(struct json *j, struct recorder *r, const char *reason, uint64_t elapsed)
{
    json_string(j, "format", MEMPROF_FORMAT_NAME);
    json_uint(j, "version", MEMPROF_FORMAT_VERSION);
    json_string(j, "producer", MEMPROF_PRODUCER);
    json_newline(j);
    write_process(j, r);
    json_newline(j);
    json_open(j, "dump", '{');
    json_string(j, "reason", reason);
    json_uint(j, "sequence", atomic_load(&r->dump_sequence));
    json_uint(j, "elapsed_ns", elapsed);
    json_bool(j, "complete", true);
    json_close(j, '}');
    json_newline(j);
    json_open(j, "mode", '{');
    json_string(j, "kind", "exact");
    json_close(j, '}');
    json_newline(j);
    json_open(j, "settings", '{');
    json_string(j, "out", r->options.out);
    json_uint(j, "interval_ns", r->options.interval_ns);
    json_uint(j, "signal", (uint64_t)r->options.signal);
    json_uint(j, "max_depth", r->options.max_depth);
    json_uint(j, "verify", r->options.verify);
    json_string(j, "leak_check", r->options.leak_check == LEAK_CHECK_NONE ? "none" : "live");
    json_string(j, "stacks", r->unwind_trouble ? "caller" : "libunwind");
    json_close(j, '}');
    json_newline(j);
}

static void write_totals(struct json *j, const struct recorder *r, const struct dump_totals *t,
                         uint64_t elapsed)
{
    uint64_t peak_ticks = atomic_load(&r->peak.peak_ticks);
    uint64_t peak_ns =
        peak_ticks ? clock_ticks_to_ns(&r->clock, peak_ticks - r->clock.start_ticks) : 0;
    json_open(j, "totals", '{');
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
    json_uint(j, "peak_error_bytes", (uint64_t)atomic_load(&r->peak.error));
    json_uint(j, "dropped_count", t->dropped_count);
    json_uint(j, "unknown_free_count", t->unknown_free_count);
    json_uint(j, "missed_free_count", t->missed_free_count);
    json_uint(j, "truncated_stack_count", t->truncated_stack_count);
    json_close(j, '}');
    json_newline(j);
}

static void write_modules(struct json *j, const struct recorder *r, uint32_t n)
{
    json_open(j, "modules", '[');
    for (uint32_t i = 0; i < n; i++) {
        const struct module *m = r->modules.by_id[i];
        json_newline(j);
        json_open(j, NULL, '{');
        json_string(j, "path", m->path);
        if (m->build_id_size) {
            json_hex(j, "build_id", m->build_id, m->build_id_size);
        } else {
            json_null(j, "build_id");
        }
        json_uint(j, "start", m->start);
        json_uint(j, "end", m->end);
        json_uint(j, "file_offset", m->file_offset);
        json_uint(j, "load_bias", m->load_bias);
        json_uint(j, "loaded_ns", m->loaded_ns);
        json_uint_nonzero(j, "loads", m->loads > 1 ? m->loads : 0);
        if (m->unloaded_ns == MODULE_LOADED) {
            json_null(j, "unloaded_ns");
        } else {
            json_uint(j, "unloaded_ns", m->unloaded_ns);
        }
        json_close(j, '}');
    }
    json_close(j, ']');
    json_newline(j);
}

static void write_frame(struct json *j, const struct recorder *r, const struct frame *f)
{
    uint64_t offset = f->ip;
    if (f->module >= 0) {
        const struct module *m = r->modules.by_id[f->module];
        offset = f->ip - m->start + m->file_offset;
    }
    json_newline(j);
    json_open(j, NULL, '[');
    json_uint(j, NULL, f->parent);
    json_int(j, NULL, f->module);
    json_uint(j, NULL, offset);
    json_close(j, ']');
}

static void write_frames(struct json *j, const struct recorder *r, uint32_t n)
{
    json_open(j, "frames", '[');
    json_open(j, NULL, '[');
    json_int(j, NULL, -1);
    json_int(j, NULL, MEMPROF_MODULE_NONE);
    json_uint(j, NULL, 0);
    json_close(j, ']');
    for (uint32_t id = 1; id <= n; id++) {
        write_frame(j, r, sites_frame(&r->sites, id));
    }
    json_close(j, ']');
    json_newline(j);
    json_open(j, "signal_frames", '[');
    for (uint32_t id = 1; id <= n; id++) {
        if (sites_frame(&r->sites, id)->interrupted) {
            json_uint(j, NULL, id);
        }
    }
    json_close(j, ']');
    json_open(j, "interpreted", '[');
    json_close(j, ']');
    json_newline(j);
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
    sys_sigset before = sys_lock(&r->lock);
    for (uint32_t i = 0; i < r->timeline.n; i++) {
        if (r->timeline.row[i].elapsed_ns <= now->elapsed_ns) {
            write_row(j, &r->timeline.row[i]);
        }
    }
    sys_unlock(&r->lock, before);
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

static void write_threads(struct json *j, struct recorder *r)
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
            struct thread_record record = {t->tid, "", counter_get(&t->alloc_count),
                                           counter_get(&t->alloc_bytes),
                                           counter_get(&t->free_count)};
            memory_thread_name(t->tid, record.name, sizeof record.name);
            write_thread(j, &record);
        }
    }
    json_close(j, ']');
    json_newline(j);
}

static void write_all(struct json *j, struct recorder *r, const char *reason,
                      struct dump_sites *sites)
{
    struct dump_totals totals = {0};
    struct memory memory;
    memory_read(&memory, r);
    clock_calibrate(&r->clock);
    const uint64_t elapsed = clock_elapsed_ns(&r->clock);
    json_open(j, NULL, '{');
    write_head(j, r, reason, elapsed);
    dump_sites_write(sites, j, r, &totals);
    write_totals(j, r, &totals, elapsed);
    memory_write(j, &memory);
    coverage_write(j, r, &totals, memory.rss_bytes);
    json_newline(j);
    json_open(j, "inherited", '{');
    json_uint(j, "live_count", r->inherited.live_count - totals.inherited_free_count);
    json_uint(j, "live_bytes", r->inherited.live_bytes - totals.inherited_freed_bytes);
    json_uint(j, "free_count", totals.inherited_free_count);
    json_close(j, '}');
    if (r->options.verify) {
        json_open(j, "verify", '{');
        json_uint(j, "compared", totals.verified_count);
        json_uint(j, "different", totals.different_count);
        json_close(j, '}');
    }
    json_newline(j);
    write_modules(j, r, sites->modules);
    write_frames(j, r, sites->frames);
    const struct timeline_row now = {elapsed, totals.live_bytes, totals.live_count,
                                     memory.rss_bytes};
    write_timeline(j, r, &now);
    write_threads(j, r);
    json_null(j, "leaks");
    json_close(j, '}');
}

/* Once for each kind of trouble: snapshots and execs may be many. */
static void complain(struct recorder *r, struct work *w, int error)
{
    if (r->complained == error) {
        return;
    }
    r->complained = error;
    struct text t = text_begin(w->message, sizeof w->message);
    text_string(&t, "cannot write the dump: ");
    text_string(&t, error == -EEXIST ? "is not a regular file" : error_text(error));
    say(w->file.path, w->message);
}

static void name_of(const struct recorder *r, const struct dump_request *q,
                    struct outfile_name *name, uint32_t image)
{
    *name = (struct outfile_name){
        .pattern = q->pattern ? q->pattern : r->options.out,
        .exe = r->exe,
        .cwd = process.cwd,
        .hostname = process.hostname,
        .start_seconds = process.start_seconds,
        .pid = r->pid,
        .sequence = atomic_load(&r->dump_sequence),
        .descendant = process.descendant,
        .replaced = image,
    };
}

/* Names and opens the file. IMAGE: see outfile_name. */
static int open_file(const struct recorder *r, const struct dump_request *q, struct work *w,
                     uint32_t image)
{
    struct outfile_name name;
    name_of(r, q, &name, image);
    int error = outfile_name(&w->file, &name);
    return error ? error : outfile_open(&w->file);
}

/* Writes the file, which is open, and puts it into place. */
static int write_file(struct recorder *r, const struct dump_request *q, struct work *w)
{
    struct dump_sites sites;
    if (dump_sites_begin(&sites, r) < 0) {
        return outfile_finish(&w->file, -ENOMEM, false);
    }
    json_begin(&w->json, w->file.fd);
    write_all(&w->json, r, q->reason, &sites);
    int error = json_end(&w->json);
    dump_sites_end(&sites);
    return outfile_finish(&w->file, error, q->replaced);
}

/* An image of this process may have been replaced before: then the next name is taken. */
#define IMAGES 1000u

static int write_named(struct recorder *r, const struct dump_request *q, struct work *w)
{
    int error = -EEXIST;
    for (uint32_t image = 1; error == -EEXIST && image <= IMAGES; image++) {
        error = open_file(r, q, w, q->replaced ? image : 0);
        if (error) {
            return error;
        }
        error = write_file(r, q, w);
    }
    return error;
}

/* SIGPIPE and SIGXFSZ that our own writing causes must not reach the host. */
static int write_quietly(struct recorder *r, const struct dump_request *q, struct work *w)
{
    const sys_sigset ours = (sys_sigset)1 << (SIGPIPE - 1) | (sys_sigset)1 << (SIGXFSZ - 1);
    sys_sigset before, pending_before = 0;
    sys_call(SYS_rt_sigpending, (long)&pending_before, 8, 0, 0, 0, 0);
    sys_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&ours, (long)&before, 8, 0, 0);
    int error = write_named(r, q, w);
    sys_sigset pending = 0;
    sys_call(SYS_rt_sigpending, (long)&pending, 8, 0, 0, 0, 0);
    sys_sigset caused = pending & ours & ~pending_before;
    if (caused) {
        struct timespec none = {0};
        sys_call(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&none, 8, 0, 0);
    }
    sys_restore_signals(before);
    return error;
}

int dump_write(struct recorder *r, const struct dump_request *request)
{
    struct work *w = sys_map(sizeof *w);
    if (!w) {
        say(NULL, "no dump is written: out of memory");
        return -1;
    }
    int error = write_quietly(r, request, w);
    if (error) {
        complain(r, w, error);
    } else {
        atomic_fetch_add(&r->dump_sequence, 1);
    }
    if (!error && !request->quiet && r->options.verbose >= 1) {
        say(w->file.path, "dump written");
    }
    if (request->path && !error) {
        memcpy(request->path, w->file.path, OUTFILE_PATH_MAX);
    }
    sys_unmap(w, sizeof *w);
    return error ? -1 : 0;
}
