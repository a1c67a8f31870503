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

/* Finds partners for what a change of the code has made another stack. */
static void match_changed(struct matching *m)
{
    compare_moved(m);
    compare_merged(m);
    compare_similar(m);
    compare_merged(m); /* of those, too */
    if (m->old->live_only && m->new->live_only && !m->old->whole.has_errors &&
        !m->new->whole.has_errors)
        compare_balanced(m);
}

/* Hands ENTRY, a sum, over to C, if it is one; else OTHERWISE is what counts. */
static const struct stackset_entry *choose(struct comparison *c, struct stackset_entry *entry,
                                           const struct stackset_entry *otherwise)
{
    if (!entry)
        return otherwise;
    c->sums = mem_grow(c->sums, &c->sum_capacity, c->nsums + 1, sizeof *c->sums);
    c->sums[c->nsums++] = entry;
    return entry;
}

static void make_rows(struct comparison *c, const struct matching *m)
{
    c->rows = mem_zero(m->old->n + m->new->n, sizeof *c->rows);
    for (size_t i = 0; i < m->new->n; i++) {
        struct compare_row row = {.match = m->match[i]};
        if (m->absorbed[i])
            continue;
        if (m->partner[i] != COMPARE_FREE)
            row.old = choose(c, m->old_sum[i], &m->old->entries[m->partner[i]]);
        row.new = choose(c, m->new_sum[i], &m->new->entries[i]);
        c->rows[c->n++] = row;
    }
    for (size_t i = 0; i < m->old->n; i++)
        if (!m->taken[i])
            c->rows[c->n++].old = &m->old->entries[i];
}

struct comparison compare(const struct stackset *old, const struct stackset *new)
{
    struct comparison c = {.old = old, .new = new};
    struct matching m = {.old = old,
                         .new = new,
                         .partner = mem_alloc(new->n * sizeof *m.partner),
                         .match = mem_zero(new->n, sizeof *m.match),
                         .taken = mem_zero(old->n, sizeof *m.taken),
                         .old_sum = mem_zero(new->n, sizeof(struct stackset_entry *)),
                         .new_sum = mem_zero(new->n, sizeof(struct stackset_entry *)),
                         .absorbed = mem_zero(new->n, sizeof *m.absorbed)};
    match_exact(&m);
    if (!compare_same_build(old, new))
        match_changed(&m);
    make_rows(&c, &m);
    free(m.partner);
    free(m.match);
    free(m.taken);
    free(m.old_sum);
    free(m.new_sum);
    free(m.absorbed);
    return c;
}

void comparison_free(struct comparison *c)
{
    for (size_t i = 0; i < c->nsums; i++)
        free(c->sums[i]);
    free(c->sums);
    free(c->rows);
    *c = (struct comparison){0};
}
