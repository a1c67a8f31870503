/* SPDX-License-Identifier: MIT
 *
 * Partners that have much in common: the best pairs first, among those that are near each other in
 * one of three orders, by outer functions, by inner functions, and by outer calls.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NEAR 32 /* so many on either side, in each order, are looked at */

/* How much more likely partners stacks with alike blocks are. */
#define BONUS_OF_ALIKE 30

struct candidate {
    unsigned score;
    uint32_t old, new; /* entries */
};

struct search {
    struct matching *m;
    const struct identities *t;
    uint32_t *old, *new; /* entries without partner, in the order of the sets */
    size_t nold, nnew;
    struct candidate *found;
    size_t n, capacity;
    struct compare_common common;
};

/* Adds the pair, if it is one. */
static void consider(struct search *s, uint32_t old, uint32_t new)
{
    uint32_t a = s->m->old->entries[old].node, b = s->m->new->entries[new].node;
    unsigned alike = compare_blocks(s->m, old, new);
    bool same_end = identities_innermost(s->t, a)->call == identities_innermost(s->t, b)->call;
    if (!alike && !same_end)
        return; /* something else is allocated elsewhere */
    unsigned share = compare_share(&s->common, a, b);
    if (share < (alike ? COMPARE_ENOUGH_OF_ALIKE : COMPARE_ENOUGH))
        return;
    s->found = mem_grow(s->found, &s->capacity, s->n + 1, sizeof *s->found);
    s->found[s->n++] = (struct candidate){share + BONUS_OF_ALIKE * alike, old, new};
}

static int compare_names(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* By functions, then modules. */
static int compare_calls(const struct identity_frame *f, const struct identity_frame *g)
{
    if (f->call == g->call)
        return 0;
    int order = compare_names(f->function, g->function);
    return order ? order : compare_names(f->module, g->module);
}

/* By functions and modules from the innermost frame outward. */
static int compare_inner(const struct identities *t, uint32_t a, uint32_t b)
{
    while (a != b && a != IDENTITY_ROOT && b != IDENTITY_ROOT) {
        int order = compare_calls(identities_innermost(t, a), identities_innermost(t, b));
        if (order)
            return order;
        a = identities_node_at(t, a)->parent;
        b = identities_node_at(t, b)->parent;
    }
    return a == b ? 0 : a == IDENTITY_ROOT ? -1 : 1;
}

/* By functions, modules and lines from the outermost frame inward. So what one call led to is
 * together, whatever the functions in it are called: those that are alike are made one by
 * compilers, which then are on many stacks. */
static int compare_outer(const struct identities *t, uint32_t a, uint32_t b)
{
    uint32_t a_depth = identities_node_at(t, a)->depth, b_depth = identities_node_at(t, b)->depth;
    int order = a_depth < b_depth ? -1 : a_depth > b_depth;
    for (uint32_t depth = a_depth; depth > b_depth; depth--)
        a = identities_node_at(t, a)->parent;
    for (uint32_t depth = b_depth; depth > a_depth; depth--)
        b = identities_node_at(t, b)->parent;
    while (a != b) { /* from the inside: what is found further out counts more */
        const struct identity_frame *f = identities_innermost(t, a),
                                    *g = identities_innermost(t, b);
        int calls = compare_calls(f, g);
        if (calls || f->line != g->line)
            order = calls ? calls : f->line < g->line ? -1 : 1;
        a = identities_node_at(t, a)->parent;
        b = identities_node_at(t, b)->parent;
    }
    return order;
}

typedef int node_order(const struct identities *t, uint32_t a, uint32_t b);

struct order {
    const struct stackset *set;
    node_order *compare;
};

/* Entries in an order; equal ones by their number. */
static int by_order(const void *a, const void *b, void *arg)
{
    const struct order *o = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = o->compare(o->set->identities, o->set->entries[x].node, o->set->entries[y].node);
    return order ? order : x < y ? -1 : x > y;
}

static uint32_t *in_order(const struct order *o, const uint32_t *entries, size_t n)
{
    uint32_t *sorted = mem_alloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = entries[i];
    if (n > 1)
        qsort_r(sorted, n, sizeof *sorted, by_order, (void *)o);
    return sorted;
}

/* Considers, for each new stack, the old ones that are near it in ORDER. */
static void look_around(struct search *s, node_order *order)
{
    const struct order by_old = {s->m->old, order}, by_new = {s->m->new, order};
    uint32_t *old = in_order(&by_old, s->old, s->nold), *new = in_order(&by_new, s->new, s->nnew);
    size_t at = 0;
    for (size_t i = 0; i < s->nnew; i++) {
        uint32_t node = s->m->new->entries[new[i]].node;
        while (at < s->nold && order(s->t, s->m->old->entries[old[at]].node, node) < 0)
            at++;
        size_t from = at > NEAR ? at - NEAR : 0, end = at + NEAR < s->nold ? at + NEAR : s->nold;
        for (size_t k = from; k < end && compare_has_steps(&s->common); k++)
            consider(s, old[k], new[i]);
    }
    free(old);
    free(new);
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->new != y->new)
        return x->new < y->new ? -1 : 1;
    return x->old < y->old ? -1 : x->old > y->old;
}

void compare_similar(struct matching *m)
{
    struct search s = {.m = m,
                       .t = m->old->identities,
                       .common = {.t = m->old->identities},
                       .old = mem_alloc(m->old->n * sizeof *s.old),
                       .new = mem_alloc(m->new->n * sizeof *s.new)};
    for (uint32_t i = 0; i < m->old->n; i++)
        if (!m->taken[i])
            s.old[s.nold++] = i;
    for (uint32_t i = 0; i < m->new->n; i++)
        if (m->partner[i] == COMPARE_FREE && !m->absorbed[i])
            s.new[s.nnew++] = i;
    look_around(&s, identities_compare);
    look_around(&s, compare_inner);
    look_around(&s, compare_outer);
    if (s.n > 1)
        qsort(s.found, s.n, sizeof *s.found, by_score);
    for (size_t i = 0; i < s.n; i++)
        if (!m->taken[s.found[i].old] && m->partner[s.found[i].new] == COMPARE_FREE)
            compare_pair(m, s.found[i].old, s.found[i].new, COMPARE_SIMILAR);
    free(s.old);
    free(s.new);
    free(s.found);
    compare_common_free(&s.common);
}
