/* SPDX-License-Identifier: MIT */
#include "lifecycle.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump.h"
#include "guard.h"
#include "interpose.h"
#include "memory.h"
#include "objects.h"
#include "process.h"
#include "real.h"
#include "text.h"

enum { UNTRIED, STARTING, STARTED };

static _Atomic int state = UNTRIED;
static _Atomic bool signal_pending;
static _Atomic bool sandboxed;
/* Who is writing a dump: process and thread, 0 for nobody. What a child of fork finds here of its
 * parent's threads does not count. */
static _Atomic uint64_t writer;
static int exit_dumped_pid;

/* Loading a library from inside an allocation is possible once libc is initialised, unless the
 * loader itself is allocating. Other libraries' constructors are the usual case. */
static bool may_load(uintptr_t caller)
{
    return program_invocation_name && *program_invocation_name && !objects_in_loader(caller);
}

extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

static void start(int argc, char **argv, char **envp);

/* What needs the loader, once; what it allocates is not the program's. */
static void load_all(void)
{
    /* LeakSanitizer takes the loader's blocks for leaks where it does not see the loader call. */
    guard_tls.internal = true;
    if (__lsan_disable && __lsan_enable) {
        __lsan_disable();
    }
    recorder_load_unwinder(&recorder);
    interpose_check();
    if (__lsan_disable && __lsan_enable) {
        __lsan_enable();
    }
    dlerror(); /* what was looked for in vain is not the program's error: told once, and freed */
    dlerror();
    guard_tls.internal = false;
}

/* The loader allocates while other libraries, sanitizers among them, are not initialised yet, and
 * what we call may be theirs. Nobody can be asked so early: its own headers are read. */
static bool in_loader(uintptr_t caller)
{
    const uintptr_t base = getauxval(AT_BASE);
    if (!base) {
        return false; /* the loader was started as a program */
    }
    const ElfW(Ehdr) *header = (const void *)base;
    const ElfW(Phdr) *p = (const void *)(base + header->e_phoff);
    uintptr_t size = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        if (p[i].p_type == PT_LOAD && p[i].p_vaddr + p[i].p_memsz > size) {
            size = p[i].p_vaddr + p[i].p_memsz;
        }
    }
    return caller - base < size;
}

/* Present where the program is built with ThreadSanitizer, which takes libc's functions over and
 * allocates before it can serve them: then it is our constructor that begins. */
extern void __tsan_init(void) __attribute__((weak));

static bool too_early(uintptr_t caller)
{
    return !program_invocation_name || in_loader(caller) ||
           (__tsan_init && caller != (uintptr_t)start);
}

bool lifecycle_begin(uintptr_t caller)
{
    if (atomic_load(&state) == UNTRIED && too_early(caller)) {
        return false;
    }
    int expected = UNTRIED;
    if (!atomic_compare_exchange_strong(&state, &expected, STARTING)) {
        return recorder_on(&recorder);
    }
    struct options options;
    say_start();
    /* The C library's own pointer may not be set yet, but ours is resolved as any other symbol. */
    options_read(&options, environ, true);
    if (!getauxval(AT_SECURE) && options.enable && recorder_start(&recorder, &options) < 0) {
        say(NULL, "nothing is recorded: out of memory");
    }
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (recorder_on(&recorder) && may_load(caller) && guard_enter(frame)) {
        load_all();
        guard_leave();
    }
    atomic_store(&state, STARTED);
    return recorder_on(&recorder);
}

/* Waits until nobody else writes a dump. Returns false if that does not come to pass in WAIT_MS, or
 * if it is this thread that writes one. */
static bool take_writer(unsigned wait_ms)
{
    const uint64_t process_part = (uint64_t)sys_pid() << 32;
    const uint64_t self = process_part | (uint32_t)sys_tid();
    for (uint64_t holder = 0; !atomic_compare_exchange_strong(&writer, &holder, self);) {
        if (holder >> 32 != process_part >> 32) {
            continue; /* left over: taken over by the next try */
        }
        if (holder == self || wait_ms-- == 0) {
            return false;
        }
        struct timespec pause = {.tv_nsec = 1000000};
        sys_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
        holder = 0;
    }
    return true;
}

static int write_dump(const struct dump_request *request, unsigned wait_ms)
{
    if (!take_writer(wait_ms)) {
        return -1;
    }
    if (!process.arch) {
        process_describe(NULL); /* the program ends before our constructor was run */
    }
    int result = dump_write(&recorder, request);
    atomic_store(&writer, 0);
    return result;
}

/* Whether it is for this process to write dumps: not for a vfork child, which shares its parent's
 * memory. A child of fork that has not allocated yet begins anew here. */
static bool own_process(void)
{
    struct recorder *r = &recorder;
    if (!recorder_on(r) || atomic_load(&sandboxed)) {
        return false;
    }
    if (atomic_load(r->alive) == 0) {
        recorder_child(r);
    }
    return recorder_on(r) && sys_pid() == r->pid;
}

void lifecycle_exit(void)
{
    int saved = errno;
    if (own_process() && exit_dumped_pid != recorder.pid) {
        uintptr_t before = guard_tls.frame;
        guard_tls.frame = (uintptr_t)__builtin_frame_address(0);
        exit_dumped_pid = recorder.pid;
        const struct dump_request request = {.reason = "exit"};
        /* A handler that ends the process would leave half a dump. */
        sys_sigset signals = sys_block_signals();
        write_dump(&request, 60000);
        sys_restore_signals(signals);
        guard_tls.frame = before;
    }
    errno = saved;
}

void lifecycle_snapshot(void)
{
    int saved = errno;
    uintptr_t before = guard_tls.frame;
    if (own_process()) {
        guard_tls.frame = (uintptr_t)__builtin_frame_address(0);
        const struct dump_request request = {.reason = "exit", .quiet = true};
        write_dump(&request, 1000);
        guard_tls.frame = before;
    }
    errno = saved;
}

void lifecycle_sandboxed(void)
{
    atomic_store(&sandboxed, true);
}

static void at_exit(int status, void *arg)
{
    (void)status, (void)arg;
    lifecycle_exit();
}

#define TRIM_NS 1000000u /* at most so much at a time */

void lifecycle_periodic(struct recorder *r)
{
    if (atomic_load(&sandboxed)) {
        atomic_store(&r->deadline, UINT64_MAX);
        return;
    }
    uint64_t elapsed = clock_elapsed_ns(&r->clock);
    sys_sigset before;
    if (sys_trylock(&r->lock, &before)) {
        clock_calibrate(&r->clock);
        struct timeline_row row = {.elapsed_ns = elapsed, .rss_bytes = memory_rss()};
        recorder_live(r, &row.live_bytes, &row.live_count);
        timeline_add(&r->timeline, &row);
        live_age(&r->live, clock_ticks() - r->live_start);
        uint64_t next = elapsed + r->timeline.interval_ns;
        next = next < r->next_dump_ns ? next : r->next_dump_ns;
        atomic_store(&r->deadline,
                     clock_ticks() +
                         clock_ns_to_ticks(&r->clock, next > elapsed ? next - elapsed : 0));
        sys_unlock(&r->lock, before);
        trim_look(&r->trim, &r->live, row.live_bytes, elapsed,
                  clock_ns_to_ticks(&r->clock, TRIM_NS));
    }
    if (atomic_exchange(&signal_pending, false)) {
        const struct dump_request request = {.reason = "signal"};
        write_dump(&request, 0);
    }
    if (elapsed >= r->next_dump_ns) {
        r->next_dump_ns = elapsed + r->options.interval_ns;
        const struct dump_request request = {.reason = "interval", .quiet = true};
        write_dump(&request, 0);
    }
}

/* In a process that is not recorded the signal does what it does by default. */
static void pass_on(int number)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(number, &usual, NULL);
    raise(number);
}

static void on_signal(int number)
{
    int saved = errno;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (guard_enter(frame)) {
        if (own_process()) {
            const struct dump_request request = {.reason = "signal"};
            write_dump(&request, 1000);
        } else if (!recorder_on(&recorder)) {
            pass_on(number);
        }
        guard_leave();
    } else {
        /* The recorder was interrupted: it will see to it at its next event. */
        atomic_store(&signal_pending, true);
        atomic_store(&recorder.deadline, 0);
    }
    errno = saved;
}

static void install_signal(int number)
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) != 0) {
        return;
    }
    if ((now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL) {
        say("MEMPROF_SIGNAL", "the program handles or ignores this signal itself: it will not "
                              "trigger a dump");
        return;
    }
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&ours.sa_mask);
    if (sigaction(number, &ours, NULL) == 0) {
        recorder.signal_handler = on_signal;
    }
}

static void say_no_stacks(const char *why)
{
    char message[256];
    struct text t = text_begin(message, sizeof message);
    text_string(&t, "stacks will have only their innermost frame: ");
    text_string(&t, why);
    say(NULL, message);
}

static void say_what_is_done(void)
{
    char message[512];
    struct text t = text_begin(message, sizeof message);
    text_string(&t, "recording; allocator ");
    text_string(&t, process.allocator);
    text_string(&t, ", stacks of up to ");
    text_number(&t, recorder.options.max_depth);
    text_string(&t, " frames");
    say(recorder.exe, message);
}

/* For a kernel that does not wipe the page (before 4.14). */
static void after_fork_in_child(void)
{
    if (recorder.alive) {
        atomic_store(recorder.alive, 0);
    }
}

/* on_exit and at_quick_exit run their functions last first, and what the loader registers for all
 * static destructors comes after all constructors: what is registered here runs behind them. */
__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
    (void)argc, (void)envp;
    int saved = errno;
    real_ready();
    if (lifecycle_begin((uintptr_t)start)) {
        guard_tls.frame = (uintptr_t)__builtin_frame_address(0);
        load_all();
        guard_tls.internal = true;
        if (recorder.unwind_trouble) {
            say_no_stacks(recorder.unwind_trouble);
        }
        process_describe(argv);
        recorder.live.one_each = process_has_glibc_blocks();
        if (recorder.options.verbose >= 2) {
            say_what_is_done();
        }
        on_exit(at_exit, NULL);
        (void)at_quick_exit(lifecycle_exit);
        pthread_atfork(NULL, NULL, after_fork_in_child);
        if ((recorder.options.follow & FOLLOW_EXEC) == 0 && process.descendant) {
            atomic_store(&recorder.enabled, false);
        } else if (recorder.options.signal) {
            install_signal(recorder.options.signal);
        }
        guard_tls.internal = false;
        guard_tls.frame = 0;
    }
    errno = saved;
}

bool lifecycle_follows_exec(void)
{
    return !recorder.alive || (recorder.options.follow & FOLLOW_EXEC);
}

void lifecycle_before_exec(struct lifecycle_exec *e)
{
    int saved = errno;
    e->written = false;
    uintptr_t before = guard_tls.frame;
    if (own_process()) {
        guard_tls.frame = (uintptr_t)__builtin_frame_address(0);
        /* A child that did nothing but exec has nothing to tell. */
        if (!recorder.parent_pid || recorder.sites.sites.count > 0) {
            const struct dump_request request = {
                .reason = "exec", .replaced = true, .quiet = true, .path = e->path};
            e->written = write_dump(&request, 1000) == 0;
        }
        guard_tls.frame = before;
    }
    errno = saved;
}

void lifecycle_exec_failed(const struct lifecycle_exec *e)
{
    int saved = errno;
    if (e->written) {
        sys_call(SYS_unlinkat, -100 /* AT_FDCWD */, (long)e->path, 0, 0, 0, 0);
    }
    errno = saved;
}

/* The client API, see include/memprof/memprof.h. */
__attribute__((visibility("default"))) int memprof_dump(const char *path);
__attribute__((visibility("default"))) int memprof_recording(void);

int memprof_dump(const char *path)
{
    int saved = errno, result = 1;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (own_process() && guard_enter(frame)) {
        const struct dump_request request = {.reason = "api", .pattern = path};
        result = write_dump(&request, 60000);
        guard_leave();
    }
    errno = saved;
    return result;
}

int memprof_recording(void)
{
    return recorder_on(&recorder);
}
