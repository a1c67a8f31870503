/* SPDX-License-Identifier: MIT */
#include "compare.h"
#include "compare_parts.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

/* Estimates of the same size differ by chance. */
#define SAMPLED_TOLERANCE 0.05

unsigned compare_blocks(const struct matching *m, size_t old, size_t new)
{
    const struct dump_counters *a = &m->old->entries[old].figures.c,
                               *b = &m->new->entries[new].figures.c;
    bool live = a->live_count && b->live_count,
         sampled = m->old->whole.has_errors || m->new->whole.has_errors;
    double a_count = (double)(live ? a->live_count : a->alloc_count),
           b_count = (double)(live ? b->live_count : b->alloc_count),
           a_bytes = (double)(live ? a->live_bytes : a->alloc_bytes),
           b_bytes = (double)(live ? b->live_bytes : b->alloc_bytes);
    double x = a_bytes * b_count, y = b_bytes * a_count;
    if (fabs(x - y) > (sampled ? SAMPLED_TOLERANCE : 0) * (x + y) / 2)
        return 0;
    return a->live_count == b->live_count && a_count == b_count && a_count > 0 ? 2 : 1;
}

static void match_exact(struct matching *m)
{
    uint32_t *old_of = mem_zero(identities_nodes(m->old->identities), sizeof *old_of);
    for (size_t i = 0; i < m->old->n; i++)
        old_of[m->old->entries[i].node] = (uint32_t)i + 1;
    for (size_t i = 0; i < m->new->n; i++) {
        uint32_t found = old_of[m->new->entries[i].node];
        m->partner[i] = COMPARE_FREE;
        if (found)
            compare_pair(m, found - 1, i, COMPARE_EXACT);
    }
    free(old_of);
}

struct comparison compare(const struct stackset *old, const struct stackset *new)
{
    struct comparison c = {.old = old, .new = new};
    struct matching m = {.old = old,
                         .new = new,
                         .partner = mem_alloc(new->n * sizeof *m.partner),
                         .match = mem_zero(new->n, sizeof *m.match),
                         .taken = mem_zero(old->n, sizeof *m.taken)};
    match_exact(&m);
    compare_moved(&m);
    compare_similar(&m);
    c.rows = mem_zero(old->n + new->n, sizeof *c.rows);
    for (size_t i = 0; i < new->n; i++)
        c.rows[c.n++] =
            (struct compare_row){m.partner[i] == COMPARE_FREE ? NULL : &old->entries[m.partner[i]],
                                 &new->entries[i], m.match[i]};
    for (size_t i = 0; i < old->n; i++)
        if (!m.taken[i])
            c.rows[c.n++].old = &old->entries[i];
    free(m.partner);
    free(m.match);
    free(m.taken);
    return c;
}

void comparison_free(struct comparison *c)
{
    free(c->rows);
    *c = (struct comparison){0};
}
