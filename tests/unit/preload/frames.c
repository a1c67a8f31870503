/* SPDX-License-Identifier: MIT */
#include "frames.h"

#define UNW_LOCAL_ONLY
#include <alloca.h>
#include <libunwind.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "arch.h"

/* No tail calls, nothing inlined: a frame for each call. */
#define FRAME __attribute__((noinline))
#define STAY __asm__ volatile("" ::: "memory")

/* Who is called at the innermost end by code that hands on no argument. */
static struct {
    frames_leaf *leaf;
    void *arg;
    int depth;
} current;

static FRAME void recurse(frames_leaf *leaf, void *arg, int depth)
{
    if (depth > 0) {
        recurse(leaf, arg, depth - 1);
    } else {
        leaf(arg);
    }
    STAY;
}

static FRAME void grow(frames_leaf *leaf, void *arg, int depth)
{
    char *room = alloca((size_t)depth * 24 + 1);
    memset(room, depth, (size_t)depth * 24 + 1);
    __asm__ volatile("" ::"r"(room) : "memory");
    if (depth > 0) {
        grow(leaf, arg, depth - 1);
    } else {
        leaf(arg);
    }
    STAY;
}

static FRAME void realign(frames_leaf *leaf, void *arg, int depth)
{
    _Alignas(64) char room[128];
    memset(room, depth, sizeof room);
    __asm__ volatile("" ::"r"(room) : "memory");
    if (depth > 0) {
        recurse(leaf, arg, depth - 1);
    } else {
        leaf(arg);
    }
    STAY;
}

static FRAME int compare(const void *a, const void *b)
{
    recurse(current.leaf, current.arg, current.depth);
    STAY;
    return *(const int *)a - *(const int *)b;
}

static void set_current(frames_leaf *leaf, void *arg, int depth)
{
    current.leaf = leaf;
    current.arg = arg;
    current.depth = depth;
}

static FRAME void sort(frames_leaf *leaf, void *arg, int depth)
{
    int numbers[] = {3, 1, 2};
    set_current(leaf, arg, depth);
    qsort(numbers, 3, sizeof numbers[0], compare);
    STAY;
}

static FRAME void search(frames_leaf *leaf, void *arg, int depth)
{
    int numbers[] = {1, 2, 3}, key = 2;
    size_t n = 3;
    set_current(leaf, arg, depth);
    (void)bsearch(&key, numbers, 3, sizeof numbers[0], compare);
    (void)lfind(&key, numbers, &n, sizeof numbers[0], compare);
    STAY;
}

static FRAME void handler(int number)
{
    (void)number;
    recurse(current.leaf, current.arg, current.depth);
    STAY;
}

static void send_signal(frames_leaf *leaf, void *arg, int depth, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    set_current(leaf, arg, depth);
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
}

static FRAME void interrupt(frames_leaf *leaf, void *arg, int depth)
{
    send_signal(leaf, arg, depth, 0);
    STAY;
}

static FRAME void interrupt_elsewhere(frames_leaf *leaf, void *arg, int depth)
{
    static _Alignas(16) char stack[1 << 18];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, before;
    sigaltstack(&alternate, &before);
    send_signal(leaf, arg, depth, SA_ONSTACK);
    sigaltstack(&before, NULL);
    STAY;
}

static FRAME void coroutine(void)
{
    grow(current.leaf, current.arg, current.depth);
    STAY;
}

static FRAME void switch_to(frames_leaf *leaf, void *arg, int depth)
{
    static ucontext_t here, there;
    const size_t size = 1 << 18;
    char *stack = malloc(size);
    set_current(leaf, arg, depth);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = size;
    there.uc_link = &here;
    makecontext(&there, coroutine, 0);
    swapcontext(&here, &there);
    free(stack);
    STAY;
}

const struct frames_kind frames_kinds[] = {
    {"recursion", recurse},
    {"alloca", grow},
    {"realigned", realign},
    {"qsort", sort},
    {"search", search},
    {"signal", interrupt},
    {"signal on an alternate stack", interrupt_elsewhere},
    {"coroutine", switch_to},
    {"mixed", frames_mixed},
    {NULL, NULL},
};

FRAME size_t frames_walk(void **ip, size_t max)
{
#if ARCH_UNW_BACKTRACE && !defined(__SANITIZE_THREAD__)
    return (size_t)unw_backtrace(ip, (int)max);
#else
    /* unw_backtrace does not tell them as they are; or has a cache for each thread, which it frees
     * when the sanitizer has already forgotten the thread. */
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t cfa = 0, address = 0, cfa_before, before, bp;
    unw_save_loc_t where;
    size_t n = 0;
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    while (n < max && unw_step(&cursor) > 0) {
        cfa_before = cfa;
        before = address;
        unw_get_reg(&cursor, UNW_REG_SP, &cfa);
        unw_get_reg(&cursor, UNW_REG_IP, &address);
        if (cfa == cfa_before && address == before) {
            return n; /* where there is no table it may stay where it is */
        }
        ip[n++] = (void *)arch_return_address(address);
    }
    if (ARCH_UNW_ENDS_AT_ZERO && n < max && unw_get_reg(&cursor, ARCH_UNW_BP, &bp) == 0 &&
        bp == 0 && unw_get_save_loc(&cursor, UNW_REG_IP, &where) == 0 &&
        where.type == UNW_SLT_MEMORY) {
        ip[n++] = (void *)arch_return_address(*(const uintptr_t *)where.u.addr);
    }
    return n;
#endif
}
