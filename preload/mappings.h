/* SPDX-License-Identifier: MIT
 *
 * What the program has mapped itself (MEMPROF_MMAP=1), and what became of it: the tree of what is
 * mapped where, and the figures by site. The allocator's own mappings are in it where these come
 * through the public functions, as those of jemalloc, tcmalloc and mimalloc do; glibc's and the
 * dynamic loader's do not.
 *
 * Order, as for blocks: what a call may unmap is taken out before the real call, and put back if it
 * fails; what it maps is added after. In any other order another thread could be given the
 * addresses in between.
 *
 * All of it is behind one lock, which blocks signals: mapping takes a system call anyhow. Any
 * thread, in a signal handler too; the guard need not be held. No lock is taken within this one.
 * Without memory calls are counted as dropped.
 *
 * In a child of fork the tree is that of the parent and the figures begin anew. If another thread
 * was changing the tree at that moment, the child begins with an empty one: what it inherited is
 * not known then.
 */
#ifndef PRELOAD_MAPPINGS_H
#define PRELOAD_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "mapping_counts.h"
#include "mapping_tree.h"
#include "sys.h"

struct mappings {
    struct sys_lock lock;
    struct mapping_tree tree;
    struct mapping *spare;
    uint64_t held_count, held_bytes; /* now, inherited ones too */
    struct mapping_counts *counts;
};

/* Once; then, and in each child of fork, mappings_begin. */
void mappings_init(struct mappings *m, struct arena_pool *kept);

/* Begins the figures, in COUNTS; what is held then is inherited. Returns -1 without memory. */
int mappings_begin(struct mappings *m, struct mapping_counts *counts, struct arena_pool *pool,
                   const struct clock *clock, const struct sites *sites);

/* In a child of fork, where nobody else is, before its figures begin. */
void mappings_child(struct mappings *m);

/* CALL mapped what lies from START up to END; ATTACHED: by shmat. Whatever was still recorded there
 * is gone. */
void mappings_add(struct mappings *m, const struct mapping_call *call, uintptr_t start,
                  uintptr_t end, bool attached);

/* A call at SITE mapped nothing. */
void mappings_failed(struct mappings *m, uint32_t site);

/* A call could not be recorded. */
void mappings_dropped(struct mappings *m);

/* Takes out what lies from START up to END, and returns it; NULL: nothing is known there. */
struct piece *mappings_take(struct mappings *m, uintptr_t start, uintptr_t end);

/* The same with what is left of what shmat attached at START. */
struct piece *mappings_take_attached(struct mappings *m, uintptr_t start);

/* What was TAKEN is unmapped: it is counted. NULL counts as unmapping what is not known, if
 * KNOWABLE. */
void mappings_gone(struct mappings *m, struct piece *taken, bool knowable);

/* The call that was to unmap what was TAKEN has failed: it is put back. PROBE: only as far as it is
 * still there, for a call that maps may fail after it has unmapped. */
void mappings_put_back(struct mappings *m, struct piece *taken, bool probe);

#endif
