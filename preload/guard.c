/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <signal.h>
#include <sys/syscall.h>

#include "sys.h"

__thread struct guard_tls guard_tls;

bool guard_is_stale(uintptr_t frame)
{
    if (frame <= guard_tls.frame) {
        return false; /* further in: called from inside the recorder */
    }
    /* Further out by address. On an alternate signal stack that says nothing. */
    stack_t stack = {0};
    if (sys_call(SYS_sigaltstack, 0, (long)&stack, 0, 0, 0, 0) != 0) {
        return false;
    }
    return !(stack.ss_flags & SS_ONSTACK);
}
