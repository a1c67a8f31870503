/* SPDX-License-Identifier: MIT
 *
 * Which addresses are mapped, by which mapping: disjoint pieces of address space, sorted, in a
 * treap (a search tree by address that is a heap by random priorities). A mapping is one piece
 * until parts of it are unmapped or replaced.
 *
 * The tree takes its memory ahead of time, so that nothing fails half way: see
 * mapping_tree_reserve. No recursion, little stack. Under the lock of mappings.h.
 */
#ifndef PRELOAD_MAPPING_TREE_H
#define PRELOAD_MAPPING_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* What one call mapped. */
struct mapping {
    uintptr_t start; /* where it was mapped, and how much, whatever became of it since */
    uint64_t size;
    uint64_t birth;  /* ticks since the recording began */
    uint32_t site;   /* as blocks have it, see sites.h */
    uint32_t pieces; /* that there still are, also of those that are cut out */
    bool attached;   /* by shmat */
    struct mapping *next_spare;
};

struct piece {
    uintptr_t start, end;
    struct mapping *of;
    struct piece *left, *right; /* `right` also links a list */
    uint64_t priority;
};

/* Zero-initialised but for the arena's pool is empty. */
struct mapping_tree {
    struct arena arena;
    struct piece *root, *spare;
    uint64_t random;
};

/* Cutting makes at most two pieces more than there were, adding one. */
#define MAPPING_TREE_MOST 2

/* Makes sure that the next call of one of those below has what it needs. Returns false without
 * memory. */
bool mapping_tree_reserve(struct mapping_tree *t);

/* Enters OF from START up to END, where nothing is entered. Counts the piece in OF. */
void mapping_tree_add(struct mapping_tree *t, uintptr_t start, uintptr_t end, struct mapping *of);

/* Cuts out what lies from START up to END: a list of pieces by address, linked by `right`; NULL if
 * nothing lies there. The pieces still count in their mappings. */
struct piece *mapping_tree_cut(struct mapping_tree *t, uintptr_t start, uintptr_t end);

/* Enters a piece that was cut out once more; nothing else lies there. */
void mapping_tree_put_back(struct mapping_tree *t, struct piece *piece);

/* A piece that was cut out is not used any more. Its mapping is the caller's to see to. */
void mapping_tree_drop(struct mapping_tree *t, struct piece *piece);

/* The first piece that ends above ADDRESS; NULL if there is none. */
struct piece *mapping_tree_at(const struct mapping_tree *t, uintptr_t address);

#endif
