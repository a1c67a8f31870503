/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <signal.h>
#include <sys/syscall.h>

#include "sys.h"
#include "thread.h"

__thread struct guard_tls guard_tls;

/* This library's own code, headers and constants; nobody else's definitions of the names. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

#define PAGE ((uintptr_t)4096)
#define SEARCH_MAX ((uintptr_t)1 << 20) /* further apart, two frames are not compared */

bool guard_is_ours(uintptr_t address)
{
    return address - (uintptr_t)__ehdr_start < (uintptr_t)etext - (uintptr_t)__ehdr_start;
}

/* Whether nothing in the words from FROM to TO could be an address in our code. A hook that was
 * interrupted has left there one to return to, or the kernel the one to go on at. */
static bool nothing_of_ours(uintptr_t from, uintptr_t to)
{
    from &= ~(sizeof(uintptr_t) - 1);
    for (uintptr_t at = from; at < to; at += sizeof at) {
        if ((at == from || at % PAGE == 0) && !sys_readable(at)) {
            return false; /* these are two stacks */
        }
        if (guard_is_ours(*(const volatile uintptr_t *)at)) {
            return false;
        }
    }
    return true;
}

static bool on_alternate_stack(void)
{
    stack_t stack = {0};
    return sys_call(SYS_sigaltstack, 0, (long)&stack, 0, 0, 0, 0) != 0 ||
           (stack.ss_flags & SS_ONSTACK);
}

bool guard_is_gone(uintptr_t entered, uintptr_t frame)
{
    /* With the address that the asking hook returns to, where calls push it. */
    const uintptr_t from = frame - sizeof(uintptr_t);
    if (frame < entered && (entered - frame > SEARCH_MAX || !nothing_of_ours(from, entered))) {
        return false; /* called from inside the recorder */
    }
    return !on_alternate_stack(); /* there, the order of addresses says nothing */
}

bool guard_is_stale(uintptr_t frame)
{
    if (guard_tls.internal || !guard_is_gone(guard_tls.frame, frame)) {
        return false;
    }
    guard_tls.frame = 0;
    guard_tls.quick = NULL;
    if (guard_tls.thread) {
        atomic_fetch_or(&guard_tls.thread->pending_count, THREAD_LEFT);
    }
    return true;
}
