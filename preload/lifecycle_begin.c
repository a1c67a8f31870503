/* SPDX-License-Identifier: MIT
 *
 * How recording begins: at the first allocation or in our constructor, whichever comes first and
 * can.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "embedded.h"
#include "fatal.h"
#include "forks.h"
#include "interpose.h"
#include "lifecycle.h"
#include "objects.h"
#include "process.h"
#include "real.h"
#include "real_map.h"
#include "reserve.h"
#include "text.h"
#include "warden.h"

enum { UNTRIED, STARTING, STARTED };

static _Atomic int state = UNTRIED;
_Atomic bool lifecycle_begun;

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
    interpose_check(recorder.options.mmap);
    if (__lsan_disable && __lsan_enable) {
        __lsan_enable();
    }
    real_forget_error();
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
    /* Resolvers that the loader calls while it relocates come before the environment is there. */
    return !program_invocation_name || (!environ && caller != (uintptr_t)start) ||
           in_loader(caller) || (__tsan_init && caller != (uintptr_t)start);
}

static void end_start(void)
{
    atomic_store(&state, STARTED);
    atomic_store(&lifecycle_begun, true);
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
    if (getauxval(AT_SECURE)) {
        end_start();
        return false;
    }
    say_start();
    /* The C library's own pointer may not be set yet, but ours is resolved as any other symbol. */
    options_read(&options, environ, true);
    if (options.enable && interpose_is_first() && recorder_start(&recorder, &options) < 0) {
        say(NULL, "nothing is recorded: out of memory");
    }
    uintptr_t frame = GUARD_HERE;
    if (recorder_on(&recorder) && may_load(caller) && guard_enter(frame)) {
        load_all();
        guard_leave();
    }
    end_start();
    return recorder_on(&recorder);
}

/* Not in a child, which may have been forked while other threads held locks of the program's. */
static void ask_program(void)
{
    uintptr_t frame = GUARD_HERE;
    if (recorder_on(&recorder) && sys_pid() == recorder.pid && recorder.fork_depth == 0 &&
        guard_enter(frame)) {
        guard_tls.internal = true;
        embedded_ask();
        guard_tls.internal = false;
        guard_leave();
    }
}

/* Which process is ending, and how many of its threads are in here for that. */
static _Atomic int ending_pid, ending_threads;

/* A second thread that calls exit meanwhile, and finds no function left to run, would end the
 * process while the first one writes. So several are registered, and who comes in while others are
 * in here leaves one more: all wait for the first. Who comes back alone does not. Returns whether
 * it is the first. */
static bool leave_one(int (*again)(void))
{
    const int pid = sys_pid();
    const bool first = atomic_exchange(&ending_pid, pid) != pid;
    if (first) {
        atomic_store(&ending_threads, 0); /* a child may have been forked meanwhile */
    }
    if (atomic_fetch_add(&ending_threads, 1) > 0) {
        guard_tls.internal = true;
        (void)again();
        guard_tls.internal = false;
    }
    return first;
}

static int register_exit(void);

static void at_exit(int status, void *arg)
{
    (void)status, (void)arg;
    if (leave_one(register_exit)) {
        ask_program();
    }
    lifecycle_exit();
    atomic_fetch_sub(&ending_threads, 1);
}

static int register_quick_exit(void);

static void at_quick(void)
{
    leave_one(register_quick_exit);
    lifecycle_exit();
    atomic_fetch_sub(&ending_threads, 1);
}

/* There was no memory for the registration of at_exit. */
static bool unregistered;

/* Then the dump is written among the static destructors: what those behind us free is a leak in it.
 */
__attribute__((destructor)) static void at_unload(void)
{
    if (unregistered) {
        lifecycle_exit();
    }
}

static int register_exit(void)
{
    return on_exit(at_exit, NULL);
}

static int register_quick_exit(void)
{
    return at_quick_exit(at_quick);
}

#define AT_ONCE 4 /* threads that may come at the same instant */

static void register_exits(void)
{
    unregistered = register_exit() != 0;
    if (register_quick_exit() != 0) {
        say(NULL, "out of memory: quick_exit will leave no dump");
    }
    for (int i = 1; i < AT_ONCE; i++) {
        (void)register_exit();
        (void)register_quick_exit();
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

static void begin_signals(void)
{
    if (recorder.options.signal) {
        lifecycle_install_signal(recorder.options.signal);
    }
    if (recorder.options.fatal) {
        fatal_begin();
    }
}

/* on_exit and at_quick_exit run their functions last first, and what the loader registers for all
 * static destructors comes after all constructors: what is registered here runs behind them. */
__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
    (void)argc, (void)envp;
    int saved = errno;
    real_ready();
    /* Before anything else asks dlsym, which frees the text of an earlier error before it forgets
     * it: if recording began in that free, which asks dlsym, too, it would be freed twice. */
    const bool on = lifecycle_begin((uintptr_t)start);
    guard_tls.frame = GUARD_HERE;
    guard_tls.internal = true;
    real_map_resolve();
    forks_resolve();
    guard_tls.internal = false;
    guard_tls.frame = 0;
    if (on) {
        guard_tls.frame = GUARD_HERE;
        load_all();
        guard_tls.internal = true;
        if (recorder.unwind_trouble) {
            say_no_stacks(recorder.unwind_trouble);
        }
        process_describe(argv);
        reserve_take();
        if (process_has_glibc_blocks()) {
            live_set_one_each(&recorder.live);
        }
        if (recorder.options.verbose >= 2) {
            say_what_is_done();
        }
        register_exits();
        forks_begin();
        recorder_card_write(&recorder, true);
        if ((recorder.options.follow & FOLLOW_EXEC) == 0 && process.descendant) {
            recorder_stop(&recorder);
            vault_set_state(&recorder.vault, VAULT_CLOSED);
        } else {
            begin_signals();
            if (recorder.sites.sites.count > 0) {
                warden_start(&recorder);
            }
        }
        guard_tls.internal = false;
        guard_tls.frame = 0;
    }
    errno = saved;
}
