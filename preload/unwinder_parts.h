/* SPDX-License-Identifier: MIT
 *
 * What unwinder.c, which loads libunwind and derives rules by it, and unwinder_walk.c, which walks
 * whole stacks by it, share. For these two only.
 */
#ifndef PRELOAD_UNWINDER_PARTS_H
#define PRELOAD_UNWINDER_PARTS_H

#include <libunwind.h>

#include "unwinder.h"
#include "unwinder_access.h"

/* One of the two forms that libunwind's functions come in. */
struct form {
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
    int (*get_save_loc)(unw_cursor_t *, int, unw_save_loc_t *);
};

struct unwinder {
    unw_addr_space_t space;
    int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
    struct form remote;
    unwinder_search *search;
    int (*plain_backtrace)(void **, int); /* the local form: unw_backtrace, or what it is made of */
    int (*plain_init)(unw_cursor_t *, unw_context_t *);
    struct form plain;
    bool unreadable; /* met tables that this libunwind cannot read */
    struct {
        uintptr_t start, end;
    } own[3];
};

static inline void unwinder_set_reg(struct unwinder_context *c, int reg, unw_word_t value)
{
    c->reg[reg] = value;
    c->known[reg] = true;
}

/* Whether there is an entry for IP in the unwind tables. */
bool unwinder_has_table(struct unwinder *u, struct unwinder_context *c, uintptr_t ip);

#endif
