/* SPDX-License-Identifier: MIT
 *
 * Partners among stacks of the same functions: an alignment of two sorted lists of least cost.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>

/* Beyond this many pairs the lists are paired in order, as far as they go. */
#define MAX_PAIRS ((size_t)1 << 22)

#define MAX_DISTANCE 100       /* lines; further is no further */
#define COST_OTHER_COUNT 500   /* blocks of the same size, but not as many */
#define COST_OTHER_SIZE 100000 /* more than all lines that frames may have moved */

/* How far the calls of X have moved in Y, a stack of the same functions. */
static unsigned distance(const struct identities *t, uint32_t x, uint32_t y)
{
    uint64_t sum = 0;
    while (x != y) {
        int64_t d = (int64_t)identities_innermost(t, x)->line - identities_innermost(t, y)->line;
        d = d < 0 ? -d : d;
        sum += d < MAX_DISTANCE ? (uint64_t)d : MAX_DISTANCE;
        x = identities_node_at(t, x)->parent;
        y = identities_node_at(t, y)->parent;
    }
    return sum < COST_OTHER_SIZE / 2 ? (unsigned)sum : COST_OTHER_SIZE / 2;
}

static uint64_t cost(const struct matching *m, uint32_t old, uint32_t new)
{
    static const unsigned blocks[] = {COST_OTHER_SIZE, COST_OTHER_COUNT, 0};
    return blocks[compare_blocks(m, old, new)] +
           distance(m->old->identities, m->old->entries[old].node, m->new->entries[new].node);
}

/* Pairs all of the shorter list with those of the longer that cost least, in order. */
static void align(struct matching *m, const struct compare_group *g)
{
    size_t width = g->nnew + 1;
    uint64_t *least = mem_zero((g->nold + 1) * width, sizeof *least);
    bool skip_old = g->nold > g->nnew, skip_new = g->nnew > g->nold;
    /* From the ends: the cost of what follows. UINT64_MAX / 2: cannot be. */
    for (size_t i = g->nold + 1; i-- > 0;) {
        for (size_t k = width; k-- > 0;) {
            uint64_t best = i == g->nold && k == g->nnew ? 0 : UINT64_MAX / 2;
            if (i < g->nold && k < g->nnew)
                best = cost(m, g->old[i], g->new[k]) + least[(i + 1) * width + k + 1];
            if (i < g->nold && skip_old && least[(i + 1) * width + k] < best)
                best = least[(i + 1) * width + k];
            if (k < g->nnew && skip_new && least[i * width + k + 1] < best)
                best = least[i * width + k + 1];
            least[i * width + k] = best;
        }
    }
    for (size_t i = 0, k = 0; i < g->nold && k < g->nnew;) {
        uint64_t here = least[i * width + k];
        if (skip_old && here == least[(i + 1) * width + k])
            i++;
        else if (skip_new && here == least[i * width + k + 1])
            k++;
        else {
            uint32_t old = g->old[i++], new = g->new[k++];
            bool same = m->old->entries[old].node == m->new->entries[new].node;
            compare_pair(m, old, new, same ? COMPARE_EXACT : COMPARE_MOVED);
        }
    }
    free(least);
}

/* Whether a new stack that has no partner is so much more like OLD than its partner NEW, at the
 * same line by chance, that OLD has rather moved there: what is inserted above a call takes its
 * place. */
static bool is_usurped(const struct matching *m, const struct compare_group *g, size_t old,
                       size_t new)
{
    if (compare_blocks(m, old, new) > 0)
        return false;
    for (size_t k = 0; k < g->nnew; k++)
        if (m->partner[g->new[k]] == COMPARE_FREE && compare_blocks(m, old, g->new[k]) > 0)
            return true;
    return false;
}

/* Parts exact pairs that are none. */
static void part(struct matching *m, const struct compare_group *g)
{
    bool *usurped = mem_zero(g->nnew, sizeof *usurped);
    for (size_t k = 0; k < g->nnew; k++) {
        size_t new = g->new[k], old = m->partner[new];
        usurped[k] = old != COMPARE_FREE && is_usurped(m, g, old, new);
    }
    for (size_t k = 0; k < g->nnew; k++) {
        size_t new = g->new[k];
        if (!usurped[k])
            continue;
        m->taken[m->partner[new]] = false;
        m->partner[new] = COMPARE_FREE;
        m->match[new] = COMPARE_ALONE;
    }
    free(usurped);
}

/* Those of the N at MEMBERS that have no partner, in ARRAY; returns how many. */
static size_t free_ones(const struct matching *m, bool new, const uint32_t *members, size_t n,
                        uint32_t *array)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (new ? m->partner[members[i]] == COMPARE_FREE : !m->taken[members[i]])
            array[kept++] = members[i];
    }
    return kept;
}

static void match_group(struct matching *m, const struct compare_group *all)
{
    uint32_t *old = mem_alloc(all->nold * sizeof *old), *new = mem_alloc(all->nnew * sizeof *new);
    bool small = all->nold < MAX_PAIRS / (all->nnew + 1);
    if (small)
        part(m, all);
    struct compare_group g = {.old = old,
                              .new = new,
                              .nold = free_ones(m, false, all->old, all->nold, old),
                              .nnew = free_ones(m, true, all->new, all->nnew, new)};
    if (small && g.nold && g.nnew)
        align(m, &g);
    for (size_t i = 0; !small && i < g.nold && i < g.nnew; i++)
        compare_pair(m, old[i], new[i], COMPARE_MOVED);
    free(old);
    free(new);
}

void compare_moved(struct matching *m)
{
    compare_groups(m, match_group);
}
