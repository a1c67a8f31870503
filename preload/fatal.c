/* SPDX-License-Identifier: MIT */
#include "fatal.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "alternate.h"
#include "arch.h"
#include "cause.h"
#include "guard.h"
#include "lifecycle.h"
#include "signal_name.h"
#include "signals.h"
#include "sys.h"

#define STACK_SIZE ((size_t)64 << 10)
#define WAIT_MS 20000u /* for another thread that dies, and its dump */

/* The recorder is inside for less than a microsecond, but for a new stack, or where it is
 * interrupted: so it is looked at again after PUT_OFF_NS, at most PUT_OFF_TIMES. */
#define PUT_OFF_NS 200000u
#define PUT_OFF_TIMES 500u

enum stage { WAITING, WRITING, DYING };

/* The thread that dies: process and thread, 0 for none. What a child of fork finds here of its
 * parent's threads does not count. All else belongs to that thread. */
static _Atomic uint64_t dying;
static enum stage stage;
static unsigned times_put_off;
static int timer;
static siginfo_t first_info;
static ucontext_t first_context;
static char stack[STACK_SIZE] __attribute__((aligned(64)));

static uint64_t self(void)
{
    return (uint64_t)sys_pid() << 32 | (uint32_t)sys_tid();
}

void fatal_default(int number, const siginfo_t *info)
{
    const sys_sigset only = (sys_sigset)1 << (number - 1);
    sys_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&only, 0, sizeof only, 0, 0);
    sys_signal_default(number);
    if (sys_call(SYS_rt_tgsigqueueinfo, sys_pid(), sys_tid(), number, (long)info, 0, 0) != 0 &&
        !(signal_is_fault(number) && info->si_code > 0)) { /* a fault comes again by itself */
        sys_call(SYS_tgkill, sys_pid(), sys_tid(), number, 0, 0, 0);
    }
}

/* Whether the signal comes at a time that has nothing to do with what this thread does: from
 * another process, or from another thread, when it interrupted code of ours. This thread raises
 * signals in libc. */
static bool is_sent(int number, const siginfo_t *info, const ucontext_t *context)
{
    if (info->si_code > 0) {
        return info->si_code == SI_KERNEL && !signal_is_fault(number); /* a terminal's */
    }
    return info->si_pid != sys_pid() || guard_is_ours(arch_interrupted(context));
}

/* Has the signal sent again in a moment, to this thread. Returns false if that cannot be done. */
static bool put_off(int number)
{
    struct sigevent event = {.sigev_signo = number, .sigev_notify = SIGEV_THREAD_ID};
    event._sigev_un._tid = sys_tid();
    const struct itimerspec in = {.it_value = {.tv_nsec = PUT_OFF_NS}};
    if (times_put_off == 0 &&
        sys_call(SYS_timer_create, CLOCK_MONOTONIC, (long)&event, (long)&timer, 0, 0, 0) != 0) {
        return false;
    }
    times_put_off++;
    return times_put_off < PUT_OFF_TIMES &&
           sys_call(SYS_timer_settime, timer, 0, (long)&in, 0, 0, 0) == 0;
}

static void write_dump(void *arg)
{
    const int number = *(const int *)arg;
    const siginfo_t *info = &first_info;
    /* A fault of ours comes to this stack, too: what was there before stays whole. */
    const stack_t none = {.ss_flags = SS_DISABLE};
    sys_call(SYS_sigaltstack, (long)&none, 0, 0, 0, 0, 0);
    struct cause cause = {.signal = number, .signal_code = info->si_code};
    if (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL) {
        cause.sender = info->si_pid;
    } else if (signal_is_fault(number)) {
        cause.address = (uint64_t)(uintptr_t)info->si_addr;
    }
    lifecycle_fatal(&cause);
}

/* This thread is the one that dies, and is not inside the recorder, or may stay there. */
static void die(int number)
{
    stage = WRITING;
    arch_call_on_stack(write_dump, &number, stack + sizeof stack);
    stage = DYING;
    fatal_default(number, &first_info);
}

/* The handler, or what it called, faulted: back to where it came from, and no dump. */
static void give_up(int number, ucontext_t *context)
{
    const enum stage before = stage;
    stage = DYING;
    sys_signal_default(number);
    if (before == WRITING) {
        lifecycle_fatal_failed();
        fatal_default(first_info.si_signo, &first_info);
        arch_copy_registers(context, &first_context);
        context->uc_sigmask = first_context.uc_sigmask;
    }
}

/* Returns whether this thread now is the one that dies; else the process ends while it waits, or
 * there is something wrong with the other one. */
static bool claim(uint64_t me)
{
    for (unsigned waited = 0; waited < WAIT_MS; waited++) {
        uint64_t other = 0;
        if (atomic_compare_exchange_strong(&dying, &other, me) ||
            (other >> 32 != me >> 32 && atomic_compare_exchange_strong(&dying, &other, me))) {
            stage = WAITING;
            times_put_off = 0;
            return true;
        }
        sys_sleep_ns(1000000);
    }
    return false;
}

static void on_fatal(int number, siginfo_t *info, void *context)
{
    const uint64_t me = self();
    if (atomic_load(&dying) == me) {
        if (stage != WAITING) {
            give_up(number, context);
            return;
        }
    } else if ((uint32_t)(me >> 32) == 1 && info->si_code <= 0) {
        return; /* the first process of a namespace is not ended by what others send it */
    } else if (!claim(me)) {
        fatal_default(number, info);
        return;
    }
    /* Put off, it comes as a timer's: what was first is what counts. */
    if (!(times_put_off > 0 && info->si_code == SI_TIMER)) {
        first_info = *info;
    }
    arch_copy_registers(&first_context, context);
    first_context.uc_sigmask = ((const ucontext_t *)context)->uc_sigmask;
    if (guard_tls.frame != 0 && is_sent(number, &first_info, context) && put_off(number)) {
        return;
    }
    die(number);
}

void fatal_begin(void)
{
    static const int fault[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static const int other[] = {SIGABRT, SIGTERM, SIGINT,  SIGHUP, SIGQUIT,
                                SIGPIPE, SIGALRM, SIGXCPU, SIGXFSZ};
    for (size_t i = 0; i < sizeof fault / sizeof fault[0]; i++) {
        /* The stack may be used up. */
        signals_take(fault[i], on_fatal, SA_NODEFER | SA_ONSTACK);
    }
    /* The kernel keeps these from the first process of a namespace, which has not asked for them.
     */
    for (size_t i = 0; i < sizeof other / sizeof other[0] && sys_pid() != 1; i++) {
        signals_take(other[i], on_fatal, 0);
    }
    alternate_enable();
}
