/* SPDX-License-Identifier: MIT
 *
 * Partners that have much in common: the best pairs first, among those that are near each other in
 * one of two orders, by outer frames and by inner frames.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NEAR 32        /* so many on either side, in either order, are looked at */
#define MAX_MIDDLE 256 /* frames between the common ends that are compared one by one */
#define MAX_STEPS (UINT64_C(1) << 31) /* of all comparisons: some seconds; what is left is new */

/* What a frame counts for: one without a name says little. */
#define WEIGHT_NAMED 4
#define WEIGHT_NAMELESS 1
#define LOST_BY_LINE 1 /* of a named one, if the line differs */

/* How much of the longer stack must be common, in thousandths, and how much more likely partners
 * with alike blocks are. */
#define ENOUGH 600
#define ENOUGH_OF_ALIKE 500
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
    uint64_t steps; /* taken */
    /* Two stacks, outermost first, and the table of their comparison. */
    uint32_t *x, *y;
    size_t x_capacity, y_capacity;
    unsigned table[2][MAX_MIDDLE + 1];
};

static unsigned weight_of(const struct identities *t, uint32_t frame)
{
    return identities_frame_at(t, frame)->function ? WEIGHT_NAMED : WEIGHT_NAMELESS;
}

/* What two frames have in common. */
static unsigned common_of(const struct identities *t, uint32_t x, uint32_t y)
{
    if (x == y)
        return weight_of(t, x);
    if (identities_frame_at(t, x)->call != identities_frame_at(t, y)->call)
        return 0;
    return weight_of(t, x) - LOST_BY_LINE;
}

/* Writes the frames of NODE down, outermost first; returns how many. */
static size_t write_down(const struct identities *t, uint32_t node, uint32_t **frames,
                         size_t *capacity, unsigned *weight)
{
    size_t n = identities_node_at(t, node)->depth;
    *frames = mem_grow(*frames, capacity, n, sizeof **frames);
    *weight = 0;
    for (size_t i = n; i-- > 0; node = identities_node_at(t, node)->parent) {
        (*frames)[i] = identities_node_at(t, node)->frame;
        *weight += weight_of(t, (*frames)[i]);
    }
    return n;
}

/* The greatest sum of common frames of NX frames at X and NY at Y, in order. */
static unsigned common_part(struct search *s, const uint32_t *x, size_t nx, const uint32_t *y,
                            size_t ny)
{
    unsigned sum = 0;
    for (unsigned c; nx && ny && (c = common_of(s->t, x[0], y[0])); nx--, ny--, x++, y++)
        sum += c;
    for (unsigned c; nx && ny && (c = common_of(s->t, x[nx - 1], y[ny - 1])); nx--, ny--)
        sum += c;
    nx = nx < MAX_MIDDLE ? nx : MAX_MIDDLE;
    ny = ny < MAX_MIDDLE ? ny : MAX_MIDDLE;
    s->steps += nx * ny;
    unsigned *before = s->table[0], *now = s->table[1];
    memset(before, 0, sizeof s->table[0]);
    now[0] = 0;
    for (size_t i = 0; i < nx; i++) {
        for (size_t k = 0; k < ny; k++) {
            unsigned both = before[k] + common_of(s->t, x[i], y[k]);
            unsigned best = before[k + 1] > now[k] ? before[k + 1] : now[k];
            now[k + 1] = both > best ? both : best;
        }
        unsigned *swap = before;
        before = now;
        now = swap;
    }
    return sum + before[ny];
}

/* Adds the pair, if it is one. */
static void consider(struct search *s, uint32_t old, uint32_t new)
{
    uint32_t a = s->m->old->entries[old].node, b = s->m->new->entries[new].node;
    unsigned a_weight, b_weight, alike = compare_blocks(s->m, old, new);
    bool same_end = identities_innermost(s->t, a)->call == identities_innermost(s->t, b)->call;
    if (!alike && !same_end)
        return; /* something else is allocated elsewhere */
    size_t nx = write_down(s->t, a, &s->x, &s->x_capacity, &a_weight),
           ny = write_down(s->t, b, &s->y, &s->y_capacity, &b_weight);
    s->steps += nx + ny;
    unsigned common = common_part(s, s->x, nx, s->y, ny);
    unsigned longer = a_weight > b_weight ? a_weight : b_weight;
    unsigned share = longer ? 1000 * common / longer : 0;
    if (share < (alike ? ENOUGH_OF_ALIKE : ENOUGH))
        return;
    s->found = mem_grow(s->found, &s->capacity, s->n + 1, sizeof *s->found);
    s->found[s->n++] = (struct candidate){share + BONUS_OF_ALIKE * alike, old, new};
}

static int compare_names(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* By functions and modules from the innermost frame outward. */
static int compare_inner(const struct identities *t, uint32_t a, uint32_t b)
{
    while (a != b && a != IDENTITY_ROOT && b != IDENTITY_ROOT) {
        const struct identity_frame *f = identities_innermost(t, a),
                                    *g = identities_innermost(t, b);
        int order = f->call == g->call ? 0 : compare_names(f->function, g->function);
        if (order == 0 && f->call != g->call)
            order = compare_names(f->module, g->module);
        if (order)
            return order;
        a = identities_node_at(t, a)->parent;
        b = identities_node_at(t, b)->parent;
    }
    return a == b ? 0 : a == IDENTITY_ROOT ? -1 : 1;
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
        for (size_t k = from; k < end && s->steps < MAX_STEPS; k++)
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
    if (s.n > 1)
        qsort(s.found, s.n, sizeof *s.found, by_score);
    for (size_t i = 0; i < s.n; i++)
        if (!m->taken[s.found[i].old] && m->partner[s.found[i].new] == COMPARE_FREE)
            compare_pair(m, s.found[i].old, s.found[i].new, COMPARE_SIMILAR);
    free(s.old);
    free(s.new);
    free(s.found);
    free(s.x);
    free(s.y);
}
