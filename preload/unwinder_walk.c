/* SPDX-License-Identifier: MIT
 *
 * Whole walks by libunwind: its remote form for stacks that have a frame without a simple rule, its
 * plain local form to compare with.
 */
#include <dlfcn.h>

#include "arch.h"
#include "rules.h"
#include "unwinder_parts.h"

/* More frames than there are of ours between a hook and a walk: garbage may lead around. */
#define OWN_FRAMES 64

/* Where a walk is. */
struct place {
    unw_word_t cfa, ip;
    enum { PLACE_INSIDE, PLACE_OUTERMOST, PLACE_STUCK } kind;
};

/* The frame that libunwind has just stepped to, but left out. */
static bool left_out(const struct form *form, unw_cursor_t *cursor, struct place *at)
{
    unw_word_t bp;
    unw_save_loc_t ip;
    if (!ARCH_UNW_ENDS_AT_ZERO || form->get_reg(cursor, ARCH_UNW_BP, &bp) < 0 || bp != 0 ||
        form->get_reg(cursor, ARCH_UNW_SP, &at->cfa) < 0 ||
        form->get_save_loc(cursor, UNW_REG_IP, &ip) < 0 || ip.type != UNW_SLT_MEMORY) {
        return false;
    }
    at->ip = *(const unw_word_t *)ip.u.addr; /* libunwind has read it */
    at->kind = PLACE_OUTERMOST;
    return true;
}

/* One step outward. Returns false at the end. */
static bool step_out(const struct form *form, unw_cursor_t *cursor, struct place *at)
{
    const struct place before = *at;
    if (at->kind != PLACE_INSIDE) {
        return false;
    }
    if (form->step(cursor) <= 0) {
        if (!left_out(form, cursor, at)) {
            return false;
        }
    } else if (form->get_reg(cursor, ARCH_UNW_SP, &at->cfa) < 0 ||
               form->get_reg(cursor, UNW_REG_IP, &at->ip) < 0) {
        return false;
    }
    at->ip = arch_return_address(at->ip);
    /* On aarch64 libunwind takes what x30 holds for the caller where it has no table for a frame,
     * or one it cannot read; in all but the innermost frame it is there already. Before version 1.7
     * it cannot read those of code that signs return addresses. */
    if (at->cfa == before.cfa && at->ip == before.ip) {
        at->kind = PLACE_STUCK;
        return false;
    }
    return true;
}

/* Where libunwind's own walk starts: in this very function, with the registers it has. */
__attribute__((noinline)) size_t unwinder_walk(struct unwinder *u, uintptr_t start_cfa,
                                               uintptr_t stack_end, uintptr_t *ip, size_t max,
                                               bool *cut)
{
    struct unwinder_context c = {.search = u->search, .stack_end = stack_end};
    static const int number[ARCH_REGISTERS] = ARCH_UNW_REGISTERS;
    uint64_t value[ARCH_REGISTERS] = {0};
    arch_registers(value);
    for (size_t i = 0; i < ARCH_REGISTERS; i++) {
        unwinder_set_reg(&c, number[i], value[i]);
    }
    c.stack_start = c.reg[ARCH_UNW_SP];
    unw_cursor_t cursor = UNWINDER_CURSOR;
    if (u->init_remote(&cursor, u->space, &c) < 0) {
        return 0;
    }
    struct place at = {0};
    bool recording = false;
    size_t n = 0;
    for (int own = 0; n <= max && own < OWN_FRAMES && step_out(&u->remote, &cursor, &at);) {
        recording = recording || at.cfa == start_cfa;
        if (unlikely(at.ip != 0 && !rules_plausible(at.ip))) {
            *cut = true; /* a guess that went astray: it is no address of code */
            return n;
        }
        if (recording) {
            ip[n++] = at.ip;
        } else {
            own++;
        }
    }
    *cut = at.kind == PLACE_STUCK && unwinder_has_table(u, &c, at.ip - 1);
    u->unreadable = u->unreadable || (ARCH_SIGNS_RETURNS && (*cut || n == 0));
    return n;
}

#if ARCH_UNW_BACKTRACE
size_t unwinder_plain_walk(struct unwinder *u, void **ip, size_t max)
{
    int n = u->plain_backtrace(ip, (int)max);
    return n > 0 ? (size_t)n : 0;
}

static void load_plain(struct unwinder *u, void *handle)
{
    *(void **)&u->plain_backtrace = dlsym(handle, "unw_backtrace");
}
#else
size_t unwinder_plain_walk(struct unwinder *u, void **ip, size_t max)
{
    unw_context_t context;
    unw_cursor_t cursor = UNWINDER_CURSOR;
    struct place at = {0};
    size_t n = 0;
    unw_getcontext(&context);
    if (u->plain_init(&cursor, &context) < 0) {
        return 0;
    }
    while (n < max && step_out(&u->plain, &cursor, &at)) {
        ip[n++] = (void *)at.ip;
    }
    return n;
}

static void load_plain(struct unwinder *u, void *handle)
{
    *(void **)&u->plain.step = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "step");
    *(void **)&u->plain.get_reg = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "get_reg");
    *(void **)&u->plain.get_save_loc = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "get_save_loc");
    if (u->plain.step && u->plain.get_reg && u->plain.get_save_loc) {
        *(void **)&u->plain_init = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "init_local");
    }
}
#endif

void unwinder_load_plain(struct unwinder *u)
{
    void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        load_plain(u, handle);
    }
}

/* The local form of libunwind 1.6 follows garbage where tables were unreadable. */
bool unwinder_has_plain(const struct unwinder *u)
{
    return (u->plain_backtrace || u->plain_init) && !u->unreadable;
}
