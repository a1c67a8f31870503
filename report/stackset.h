/* SPDX-License-Identifier: MIT
 *
 * Stacks with their figures, one entry for each identity, from one dump, from several together or
 * from a baseline: what comparisons are between. Sets that are to be compared share a table of
 * identities. Does not fail (memory.h). Not thread-safe.
 *
 * Where the dumps tell kinds of leaks, the live blocks of each stack are also known by kind
 * (stackset_kinds.c).
 */
#ifndef REPORT_STACKSET_H
#define REPORT_STACKSET_H

#include "figures.h"
#include "identity.h"

/* Live blocks by kind. */
struct stackset_kinds {
    uint64_t count[DUMP_LEAK_KIND_COUNT], bytes[DUMP_LEAK_KIND_COUNT];
};

struct stackset_entry {
    uint32_t node;  /* its identity */
    uint32_t kinds; /* of the set's `kinds`, plus 1; 0: none is told */
    struct figures figures;
    /* Where to find its functions, files and lines: of the stacks with this identity the one that
     * holds most ends in FRAME of MODEL. NULL: from a baseline. */
    const struct model *model;
    uint32_t frame;
    uint64_t held; /* by that one */
};

struct stackset {
    const char *name; /* of the file it is from; of several dumps the first */
    struct identities *identities;
    struct stackset_entry *entries; /* in the order of identities_compare, once sorted */
    size_t n;
    /* As much of a dump as columns ask for: the totals, and whether there are standard errors. */
    struct dump whole;
    struct figures total; /* of the whole dump, with all that a filter left out */
    size_t ndumps;        /* that were added */
    bool complete;        /* false: one of the dumps says that it is not all */
    bool baseline;        /* read from a baseline */
    bool of_mappings;     /* not of blocks */
    bool live_only;       /* stacks without live blocks, and figures but these, are not known */
    bool classified;      /* what leaked is known by kinds */
    bool unclassified;    /* of some dump it is not */
    struct stackset_kinds *kinds;
    size_t nkinds, kinds_capacity;
    /* For stackset.c. */
    size_t capacity;
    uint32_t *entry_of; /* by node, plus 1; 0: none */
    size_t nodes;
};

/* Whether the stack that ends in FRAME of M is to be in the set. */
typedef bool stackset_filter(void *arg, const struct model *m, uint32_t frame);

/* NAME and IDENTITIES must outlive the set. */
struct stackset *stackset_new(const char *name, struct identities *identities);
void stackset_free(struct stackset *s);

/* Adds the stacks of M, whose dump and model must outlive the use of the entries' `model`; KEEP may
 * be NULL: all. */
void stackset_add(struct stackset *s, const struct model *m, stackset_filter *keep, void *arg);

/* Adds FIGURES to the entry of NODE. */
void stackset_put(struct stackset *s, uint32_t node, const struct figures *figures);

/* Adds COUNT blocks of KIND to the entry of NODE, in whose figures they are. */
void stackset_put_kind(struct stackset *s, uint32_t node, enum dump_leak_kind kind, uint64_t count,
                       uint64_t bytes);

/* Takes note of whether M tells kinds, and, if it does, of what they are; NODES: by frame. */
void stackset_add_kinds(struct stackset *s, const struct model *m, const uint32_t *nodes);

/* Whether what leaked is known by kinds, in all dumps that tell leaks. */
bool stackset_has_kinds(const struct stackset *s);

/* Makes the set one of live blocks of those kinds alone whose bits (by enum dump_leak_kind) are in
 * MASK. */
void stackset_keep_kinds(struct stackset *s, unsigned mask);

/* The same for what FROM, an entry of another set, holds; it may be where to find NODE. */
void stackset_put_from(struct stackset *s, uint32_t node, const struct stackset_entry *from);

/* Forgets the entries for which KEEP is false. */
void stackset_restrict(struct stackset *s, bool (*keep)(void *arg, const struct stackset_entry *e),
                       void *arg);

/* Forgets stacks without live blocks, and what is not about these. */
void stackset_keep_live(struct stackset *s);

/* Puts the entries in their order. Nothing is to be added after. */
void stackset_sort(struct stackset *s);

#endif
