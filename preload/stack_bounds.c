/* SPDX-License-Identifier: MIT
 *
 * Where a thread's own stack lies: the part of stack.h that says what may be read without a probe.
 */
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "stack.h"

#define WORD sizeof(uintptr_t)
#define PAGE ((uintptr_t)4096)

/* The kernel leaves at least this much room below the initial thread's stack (MIN_GAP of its mmap
 * layout), more if the limit on stacks is higher. */
#define MAIN_STACK_MIN ((uintptr_t)128 << 20)
#define MAIN_STACK_MAX ((uintptr_t)16 << 30)

/* The initial thread's stack: up to the name of the executed program, which the kernel puts at the
 * very top, and down as far as nothing else is mapped. */
static void main_bounds(uintptr_t *low, uintptr_t *high)
{
    uintptr_t top = getauxval(AT_EXECFN);
    struct rlimit limit;
    uintptr_t size = MAIN_STACK_MIN;
    if (sys_call(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&limit, 0, 0) == 0 &&
        limit.rlim_cur > size) {
        size = limit.rlim_cur < MAIN_STACK_MAX ? limit.rlim_cur : MAIN_STACK_MAX;
    }
    *high = top ? (top + PAGE) & ~(PAGE - 1) : 0;
    *low = *high > size ? *high - size : 0;
}

/* How far below what is known of a stack it is worth to look for more of it. */
#define EXTEND_MAX ((uintptr_t)16 << 20)

/* Whether all is readable from SP's page up to the known part of the stack, which is then extended.
 */
static bool extend_down(struct stack *s, uintptr_t sp)
{
    uintptr_t wanted = sp & ~(PAGE - 1), page = s->low;
    if (page - wanted > EXTEND_MAX) {
        return false;
    }
    while (page > wanted) {
        page -= PAGE;
        if (!sys_readable(page)) {
            return false;
        }
    }
    s->low = wanted;
    return true;
}

bool stack_has_room(const struct stack *s, uintptr_t sp, size_t room)
{
    if (sp < s->high && sp - room >= s->low) {
        return true;
    }
    for (uintptr_t page = sp & ~(PAGE - 1); sp - page < room; page -= PAGE) {
        if (!sys_readable(page)) {
            return false;
        }
    }
    return true;
}

/* A thread that glibc made has its descriptor at the top of its stack. How far the stack goes down
 * is found out as it is used: asking (pthread_getattr_np) would take a lock that the caller of
 * malloc may be holding. */
static void thread_bounds(struct stack *s, uintptr_t here)
{
    s->high = (uintptr_t)pthread_self() & ~(WORD - 1);
    s->low = s->high & ~(PAGE - 1);
    if (here >= s->high || !extend_down(s, here)) {
        s->low = s->high = 0; /* on some other stack just now */
    }
}

void stack_find_bounds(struct stack *s, bool is_main)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    traces_forget(&s->traces); /* they are of another thread's stack */
    knowns_forget(&s->knowns);
    spine_forget(s->spine);
    if (!is_main) {
        thread_bounds(s, here);
        return;
    }
    main_bounds(&s->low, &s->high);
    /* The only thread of a forked child may still be on the stack of the thread that forked. */
    if (here - s->low >= s->high - s->low) {
        uintptr_t low = s->low, high = s->high;
        thread_bounds(s, here);
        if (s->high == 0) {
            s->low = low;
            s->high = high;
        }
    }
}

bool stack_is_own_slow(struct stack *s, uintptr_t sp)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (sp >= s->high) {
        return false;
    }
    if (sp < s->low) {
        return extend_down(s, sp);
    }
    /* Above where we are it is mapped. Otherwise we are on an alternate stack, or SP is garbage. */
    return (sp >= here && here >= s->low) || sys_readable(sp);
}
