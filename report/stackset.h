/* SPDX-License-Identifier: MIT
 *
 * Stacks with their figures, one entry for each identity, from one dump, from several together or
 * from a baseline: what comparisons are between. Sets that are to be compared share a table of
 * identities. Does not fail (memory.h). Not thread-safe.
 */
#ifndef REPORT_STACKSET_H
#define REPORT_STACKSET_H

#include "figures.h"
#include "identity.h"

struct stackset_entry {
    uint32_t node; /* its identity */
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
    bool live_only;       /* stacks without live blocks, and figures but these, are not known */
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
