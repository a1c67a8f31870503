/* SPDX-License-Identifier: MIT */
#include "lifecycle.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fatal.h"
#include "footprint.h"
#include "process.h"
#include "roomy.h"
#include "signals.h"
#include "text.h"
#include "warden.h"
#include "writer.h"

static _Atomic bool signal_pending;

/* Whether it is for this process to write dumps: not for a vfork child, which shares its parent's
 * memory. A child of fork that has not allocated yet begins anew here. Asked before anything else,
 * even errno, is touched that belongs to a thread: a child by clone may have been given an empty
 * page in place of such things, as Chromium does for one that calls chroot and _exit. */
static bool own_process(void)
{
    struct recorder *r = &recorder;
    if (!recorder_on(r) || lifecycle_is_sandboxed() || pthread_self() == 0) {
        return false;
    }
    if (atomic_load(r->alive) == 0) {
        recorder_child(r);
    }
    return recorder_on(r) && sys_pid() == r->pid;
}

void lifecycle_exit(void)
{
    if (!own_process()) {
        return;
    }
    int saved = errno;
    const uintptr_t frame = guard_tls.frame;
    guard_tls.frame = GUARD_HERE;
    sys_sigset before;
    /* Who finds another thread at it waits: its end would be that of the other, too. */
    if (writer_take(60000, &before)) {
        if (writer_begin_last()) {
            const struct dump_request request = {.reason = "exit"};
            writer_write(&request);
            vault_set_state(&recorder.vault, VAULT_CLOSED);
            warden_stop(&recorder);
        }
        writer_leave(before);
    }
    guard_tls.frame = frame;
    errno = saved;
}

void lifecycle_snapshot(void)
{
    int saved = errno;
    uintptr_t before = guard_tls.frame;
    if (own_process()) {
        guard_tls.frame = GUARD_HERE;
        const struct dump_request request = {.reason = "exit", .quiet = true};
        writer_dump(&request, 1000);
        guard_tls.frame = before;
    }
    errno = saved;
}

/* Others that end the process meanwhile wait for the writer, for good. */
#define FATAL_WAIT_MS 10000u

void lifecycle_fatal(const struct cause *cause)
{
    const uintptr_t frame = guard_tls.frame;
    sys_sigset before;
    guard_tls.frame = UINTPTR_MAX;
    if (own_process()) {
        sys_spare_faults();
        const struct dump_request request = {.reason = "fatal", .cause = cause};
        if (writer_take(FATAL_WAIT_MS, &before) && !writer_had_last() &&
            writer_write_here(&request) == 0) {
            vault_set_state(&recorder.vault, VAULT_CLOSED);
        }
        warden_stop(&recorder);
    }
    guard_tls.frame = frame; /* a child of vfork shares it with its parent */
}

void lifecycle_fatal_failed(void)
{
    dump_abandon();
}

/* Between snapshots for allocations that failed; longer where a dump takes long. */
#define FAILED_NS ((uint64_t)10000000000u)
#define FAILED_SHARE 100u

/* Snapshots while memory runs out: NEAR has a trigger if a limit has been passed. */
static void write_for_memory(struct recorder *r, const struct cause *near, uint64_t elapsed)
{
    struct dump_request request = {.reason = "interval", .cause = near};
    if (near->trigger) {
        writer_dump(&request, 0);
    }
    const uint64_t failed = atomic_exchange(&r->failed_bytes, 0);
    if (failed && elapsed >= r->next_failed_ns) {
        const struct cause cause = {.trigger = "failed-allocation", .requested_bytes = failed - 1};
        request.cause = &cause;
        writer_dump(&request, 0);
        const uint64_t took = clock_elapsed_ns(&r->clock) - elapsed;
        r->next_failed_ns = elapsed + FAILED_NS + FAILED_SHARE * took;
    }
}

/* What the launcher tells of the resident set if the process is killed. */
static void look_at_footprint(struct recorder *r, uint64_t elapsed)
{
    sys_sigset before;
    if (r->vault.header && footprint_kept_due(&r->footprint, elapsed) && writer_take(0, &before)) {
        footprint_look(r);
        writer_leave(before);
    }
}

#define TRIM_NS 1000000u /* at most so much at a time */

/* What is due is being done: other threads need not come for it meanwhile, all of them at each
 * event, should this one lose its processor. They look again after some 1.2 milliseconds. */
#define AGAIN_TICKS ((uint64_t)1 << 22)
static void put_off(struct recorder *r)
{
    atomic_store(&r->deadline, clock_ticks() + AGAIN_TICKS);
}

static void periodic(void *arg)
{
    struct recorder *r = arg;
    if (lifecycle_is_sandboxed()) {
        atomic_store(&r->deadline, UINT64_MAX);
        return;
    }
    put_off(r);
    warden_start(r);
    uint64_t elapsed = clock_elapsed_ns(&r->clock);
    struct cause near = {0};
    sys_sigset before;
    if (sys_trylock(&r->lock, &before)) {
        clock_calibrate(&r->clock);
        struct timeline_row row = {.elapsed_ns = elapsed, .rss_bytes = memory_rss()};
        recorder_live(r, &row.live_bytes, &row.live_count);
        timeline_add(&r->timeline, &row);
        recorder_card_sampling(r);
        watch_look(&r->watch, row.live_bytes, elapsed, &near);
        uint64_t next = elapsed + r->timeline.interval_ns;
        const uint64_t next_dump = atomic_load(&r->next_dump_ns);
        next = next < next_dump ? next : next_dump;
        next = next < r->watch.next_ns ? next : r->watch.next_ns;
        atomic_store(&r->deadline,
                     clock_ticks() +
                         clock_ns_to_ticks(&r->clock, next > elapsed ? next - elapsed : 0));
        sys_unlock(&r->lock, before);
        trim_look(&r->trim, &r->live, row.live_bytes, elapsed,
                  clock_ns_to_ticks(&r->clock, TRIM_NS));
    }
    if (atomic_exchange(&signal_pending, false)) {
        const struct dump_request request = {.reason = "signal"};
        writer_dump(&request, 0);
    }
    write_for_memory(r, &near, elapsed);
    if (elapsed >= atomic_load(&r->next_dump_ns)) {
        atomic_store(&r->next_dump_ns, elapsed + r->options.interval_ns);
        const struct dump_request request = {.reason = "interval", .quiet = true};
        writer_dump(&request, 0);
    }
    look_at_footprint(r, elapsed);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    uintptr_t frame = GUARD_HERE;
    if (guard_enter(frame)) {
        if (own_process()) {
            const struct dump_request request = {.reason = "signal"};
            writer_dump(&request, 1000);
        } else if (!recorder_on(&recorder)) {
            fatal_default(number, info); /* as in a process that is not recorded */
        }
        guard_leave();
    } else {
        /* The recorder was interrupted: it will see to it at its next event. */
        atomic_store(&signal_pending, true);
        recorder_hurry(&recorder);
    }
    errno = saved;
}

void lifecycle_install_signal(int number)
{
    if (signals_take(number, on_signal, SA_RESTART)) {
        recorder.signal_handler = (uintptr_t)on_signal;
    } else {
        say("MEMPROF_SIGNAL", "the program handles or ignores this signal itself: it will not "
                              "trigger a dump");
    }
}

void lifecycle_periodic(struct recorder *r)
{
    if (atomic_load(r->alive) != 0) { /* not in a fork's child that ends its parent's event */
        roomy_call(periodic, r);
    }
}

bool lifecycle_follows_exec(void)
{
    return !recorder.alive || (recorder.options.follow & FOLLOW_EXEC);
}

void lifecycle_before_exec(struct lifecycle_exec *e)
{
    e->written = e->stopped = false;
    /* A child that did nothing but exec has nothing to tell. It does not begin anew for that, which
     * would be the end of code of ours that a handler interrupted and that may yet go on. */
    if (!recorder.alive || atomic_load(recorder.alive) == 0 || !own_process()) {
        return;
    }
    int saved = errno;
    uintptr_t before = guard_tls.frame;
    /* A signal that ends the process would be put off by us, and the exec would undo that. */
    sys_sigset signals = sys_block_signals();
    guard_tls.frame = GUARD_HERE;
    if (!recorder.parent_pid || recorder.sites.sites.count > 0) {
        const struct dump_request request = {
            .reason = "exec", .replaced = true, .quiet = true, .path = e->path};
        e->written = writer_dump(&request, 1000) == 0;
    }
    if (e->written) {
        vault_set_state(&recorder.vault, VAULT_CLOSED);
    }
    warden_stop(&recorder);
    e->stopped = true;
    guard_tls.frame = before;
    sys_restore_signals(signals);
    errno = saved;
}

void lifecycle_exec_failed(const struct lifecycle_exec *e)
{
    if (!e->written && !e->stopped) {
        return;
    }
    int saved = errno;
    if (e->written) {
        sys_call(SYS_unlinkat, -100 /* AT_FDCWD */, (long)e->path, 0, 0, 0, 0);
        vault_set_state(&recorder.vault, VAULT_OPEN);
    }
    if (e->stopped) {
        warden_start(&recorder);
    }
    errno = saved;
}

/* The client API, see include/memprof/memprof.h. */
__attribute__((visibility("default"))) int memprof_dump(const char *path);
__attribute__((visibility("default"))) int memprof_recording(void);

int memprof_dump(const char *path)
{
    int saved = errno, result = 1;
    uintptr_t frame = GUARD_HERE;
    if (own_process() && guard_enter(frame)) {
        const struct dump_request request = {.reason = "api", .pattern = path};
        result = writer_dump(&request, 60000);
        guard_leave();
    }
    errno = saved;
    return result;
}

int memprof_recording(void)
{
    return recorder_on(&recorder);
}

/* The same where the name may be another copy's, for interpose.c. */
extern int own_recording(void) __attribute__((alias("memprof_recording"), visibility("hidden")));
