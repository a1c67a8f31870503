/* SPDX-License-Identifier: MIT */
#include "compare.h"
#include "memory.h"

#include <stdlib.h>

/* Pairs equal identities. OLD_TAKEN and NEW_ROW are by entry. */
static void match_exact(const struct stackset *old, const struct stackset *new,
                        struct compare_row *rows, bool *old_taken)
{
    uint32_t *old_of = mem_zero(identities_nodes(old->identities), sizeof *old_of);
    for (size_t i = 0; i < old->n; i++)
        old_of[old->entries[i].node] = (uint32_t)i + 1;
    for (size_t i = 0; i < new->n; i++) {
        uint32_t found = old_of[new->entries[i].node];
        if (!found)
            continue;
        rows[i].old = &old->entries[found - 1];
        rows[i].match = COMPARE_EXACT;
        old_taken[found - 1] = true;
    }
    free(old_of);
}

struct comparison compare(const struct stackset *old, const struct stackset *new)
{
    struct comparison c = {.old = old, .new = new};
    bool *old_taken = mem_zero(old->n, sizeof *old_taken);
    c.rows = mem_zero(old->n + new->n, sizeof *c.rows);
    for (size_t i = 0; i < new->n; i++)
        c.rows[i].new = &new->entries[i];
    match_exact(old, new, c.rows, old_taken);
    c.n = new->n;
    for (size_t i = 0; i < old->n; i++)
        if (!old_taken[i])
            c.rows[c.n++].old = &old->entries[i];
    free(old_taken);
    return c;
}

void comparison_free(struct comparison *c)
{
    free(c->rows);
    *c = (struct comparison){0};
}
