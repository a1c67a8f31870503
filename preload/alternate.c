/* SPDX-License-Identifier: MIT */
#include "alternate.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "guard.h"
#include "sys.h"

/* A handler of the program's that is meant for an alternate stack may come to run on ours: this is
 * several times what systems reserve for one. The lowest page cannot be touched. */
#define STACK_SIZE ((size_t)64 << 10)
#define STACK_GUARD ((size_t)4096)

/* At the high end, out of the way of what the stack holds. */
struct alternate {
    struct alternate *next;
};

static _Atomic bool on, paused;
static struct sys_lock lock;
static struct alternate *unused;

static char *base_of(struct alternate *a)
{
    return (char *)(a + 1) - STACK_SIZE;
}

static stack_t stack_of(struct alternate *a)
{
    char *start = base_of(a) + STACK_GUARD;
    return (stack_t){.ss_sp = start, .ss_size = (size_t)((char *)a - start) & ~(size_t)63};
}

static long set(const stack_t *stack, stack_t *before)
{
    return sys_call(SYS_sigaltstack, (long)stack, (long)before, 0, 0, 0, 0);
}

static struct alternate *take(void)
{
    sys_sigset before = sys_lock(&lock);
    struct alternate *a = unused;
    if (a) {
        unused = a->next;
    }
    sys_unlock(&lock, before);
    char *base = a ? NULL : sys_map(STACK_SIZE);
    if (base) {
        sys_call(SYS_mprotect, (long)base, (long)STACK_GUARD, PROT_NONE, 0, 0, 0);
        a = (struct alternate *)(base + STACK_SIZE) - 1;
    }
    return a;
}

static void give(struct alternate *a)
{
    sys_sigset before = sys_lock(&lock);
    a->next = unused;
    unused = a;
    sys_unlock(&lock, before);
}

void alternate_begin(void)
{
    if (!atomic_load(&on) || atomic_load(&paused) || guard_tls.alternate) {
        return;
    }
    struct alternate *a = take();
    if (!a) {
        return;
    }
    const stack_t ours = stack_of(a);
    stack_t before = {.ss_flags = SS_DISABLE};
    if (set(&ours, &before) == 0 && (before.ss_flags & SS_DISABLE)) {
        guard_tls.alternate = a;
        return;
    }
    if (!(before.ss_flags & SS_DISABLE)) {
        set(&before, NULL);
    }
    give(a);
}

void alternate_end(void)
{
    struct alternate *a = guard_tls.alternate;
    stack_t now = {0};
    if (!a || atomic_load(&paused) || set(NULL, &now) != 0) {
        return;
    }
    if (now.ss_sp == stack_of(a).ss_sp) {
        const stack_t none = {.ss_flags = SS_DISABLE};
        if (set(&none, NULL) != 0) {
            return; /* the thread runs on it */
        }
    }
    guard_tls.alternate = NULL;
    give(a);
}

void alternate_enable(void)
{
    atomic_store(&on, true);
    alternate_begin();
}

void alternate_pause(void)
{
    atomic_store(&paused, true);
}

void alternate_resume(void)
{
    atomic_store(&paused, false);
}

void alternate_child(void)
{
    lock = (struct sys_lock){0};
}

bool alternate_mine(stack_t *stack)
{
    if (!guard_tls.alternate) {
        return false;
    }
    *stack = stack_of(guard_tls.alternate);
    return true;
}
