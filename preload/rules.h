/* SPDX-License-Identifier: MIT
 *
 * The table of rules, keyed by instruction address. Derived once each, by libunwind, then found
 * without a lock by any thread. A rule belongs to a generation of the process's modules: when a
 * module is unloaded the generation changes and older rules are not found any more.
 */
#ifndef PRELOAD_RULES_H
#define PRELOAD_RULES_H

#include "arena.h"
#include "rule.h"
#include "sys.h"
#include "unwinder.h"

struct rules_table;

struct rules {
    struct unwinder *unwinder;
    struct sys_lock lock; /* for writers */
    struct arena_pool *pool;
    struct rules_table *_Atomic table;
};

void rules_init(struct rules *r, struct unwinder *u, struct arena_pool *pool);

/* The rule for IP. Runs libunwind if it is new: under the guard, no lock of ours held. Without
 * memory for the table rules are derived again each time. */
struct rule rules_get(struct rules *r, uintptr_t ip, bool return_address, uint32_t generation);

#endif
