/* SPDX-License-Identifier: MIT
 *
 * Blocks that are at another stack in the other build, none more and none less.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>

/* A stack that has more or less than it had: a pair of entries, or one that has no partner. */
struct change {
    size_t old, new;       /* entries; COMPARE_FREE: none */
    uint32_t node;         /* of either */
    uint32_t call;         /* of the innermost frame */
    uint64_t count, bytes; /* by how much */
    bool settled;
};

struct changes {
    struct change *list;
    size_t n, capacity;
};

struct balance {
    struct matching *m;
    struct compare_common common;
    struct changes more, less; /* sorted by call; the greatest first */
};

static uint32_t call_of(const struct stackset *s, size_t entry)
{
    return identities_innermost(s->identities, s->entries[entry].node)->call;
}

static void add_change(struct balance *b, const struct figures *was, const struct figures *is,
                       struct change change)
{
    uint64_t c = was->c.live_count, d = is->c.live_count, x = was->c.live_bytes,
             y = is->c.live_bytes;
    if ((c == d && x == y) || (d > c && y < x) || (d < c && y > x))
        return;
    bool grown = d > c || y > x;
    struct changes *to = grown ? &b->more : &b->less;
    change.count = grown ? d - c : c - d;
    change.bytes = grown ? y - x : x - y;
    to->list = mem_grow(to->list, &to->capacity, to->n + 1, sizeof *to->list);
    to->list[to->n++] = change;
}

static const struct figures *figures_now(const struct matching *m, size_t new)
{
    return m->new_sum[new] ? &m->new_sum[new]->figures : &m->new->entries[new].figures;
}

static const struct figures *figures_before(const struct matching *m, size_t new)
{
    static const struct figures none;
    if (m->old_sum[new])
        return &m->old_sum[new]->figures;
    return m->partner[new] == COMPARE_FREE ? &none : &m->old->entries[m->partner[new]].figures;
}

static void find_changes(struct balance *b)
{
    const struct matching *m = b->m;
    const struct figures none = {0};
    for (size_t i = 0; i < m->new->n; i++)
        if (!m->absorbed[i])
            add_change(b, figures_before(m, i), figures_now(m, i),
                       (struct change){.old = m->partner[i],
                                       .new = i,
                                       .node = m->new->entries[i].node,
                                       .call = call_of(m->new, i)});
    for (size_t i = 0; i < m->old->n; i++)
        if (!m->taken[i])
            add_change(b, &m->old->entries[i].figures, &none,
                       (struct change){.old = i,
                                       .new = COMPARE_FREE,
                                       .node = m->old->entries[i].node,
                                       .call = call_of(m->old, i)});
}

static int by_call(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->call != y->call)
        return x->call < y->call ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* The part of CHANGES whose innermost function is CALL. */
static struct changes part_of(const struct changes *changes, uint32_t call)
{
    size_t low = 0, high = changes->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (changes->list[middle].call < call)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low; high < changes->n && changes->list[high].call == call;)
        high++;
    return (struct changes){.list = changes->list + low, .n = high - low};
}

/* It is what it was: C is no change any more. */
static void settle(struct matching *m, struct change *c)
{
    c->settled = true;
    if (c->new == COMPARE_FREE) {
        m->taken[c->old] = true;
    } else if (c->old == COMPARE_FREE) {
        m->absorbed[c->new] = true;
    } else {
        const struct figures *now = figures_now(m, c->new);
        if (!m->old_sum[c->new]) {
            m->old_sum[c->new] = mem_alloc(sizeof(struct stackset_entry));
            *m->old_sum[c->new] = m->old->entries[c->old];
        }
        struct dump_counters *was = &m->old_sum[c->new]->figures.c;
        was->live_count = now->c.live_count;
        was->live_bytes = now->c.live_bytes;
    }
}

/* Whether the blocks of X and Y are of the same size. */
static bool is_alike(const struct change *x, const struct change *y)
{
    double a = (double)x->bytes * (double)y->count, b = (double)y->bytes * (double)x->count;
    return a >= b && a <= b;
}

/* Whether X may be a part of what Y has lost or gained. */
static bool is_similar(struct balance *b, const struct change *x, const struct change *y)
{
    return compare_share(&b->common, x->node, y->node) >=
           (is_alike(x, y) ? COMPARE_ENOUGH_OF_ALIKE : COMPARE_ENOUGH);
}

/* If some of OTHERS, which are similar, have together what ONE has, none has changed. ALIKE: only
 * those whose blocks are of the same size. */
static void balance(struct balance *b, struct change *one, struct changes others, bool alike)
{
    uint64_t count = one->count, bytes = one->bytes;
    size_t *parts = mem_alloc(others.n * sizeof *parts), nparts = 0;
    for (size_t i = 0; i < others.n && (count || bytes) && compare_has_steps(&b->common); i++) {
        const struct change *c = &others.list[i];
        if (c->settled || (alike && !is_alike(one, c)) || c->count > count || c->bytes > bytes ||
            !is_similar(b, one, c))
            continue;
        count -= c->count;
        bytes -= c->bytes;
        parts[nparts++] = i;
    }
    if (nparts && !count && !bytes) {
        settle(b->m, one);
        for (size_t i = 0; i < nparts; i++)
            settle(b->m, &others.list[parts[i]]);
    }
    free(parts);
}

static void balance_each(struct balance *b, struct changes *ones, const struct changes *others,
                         bool alike)
{
    for (size_t i = 0; i < ones->n; i++)
        if (!ones->list[i].settled)
            balance(b, &ones->list[i], part_of(others, ones->list[i].call), alike);
}

/* Where not one stack has moved both are of one build, and what differs is what the program did. */
static bool is_rebuilt(const struct matching *m)
{
    for (size_t i = 0; i < m->new->n; i++)
        if (m->match[i] == COMPARE_MOVED || m->match[i] == COMPARE_SIMILAR)
            return true;
    return false;
}

void compare_balanced(struct matching *m)
{
    if (!is_rebuilt(m))
        return;
    struct balance b = {.m = m, .common = {.t = m->old->identities}};
    find_changes(&b);
    if (b.more.n && b.less.n) {
        qsort(b.more.list, b.more.n, sizeof *b.more.list, by_call);
        qsort(b.less.list, b.less.n, sizeof *b.less.list, by_call);
        balance_each(&b, &b.more, &b.less, true);
        balance_each(&b, &b.less, &b.more, true);
        balance_each(&b, &b.more, &b.less, false);
        balance_each(&b, &b.less, &b.more, false);
    }
    free(b.more.list);
    free(b.less.list);
    compare_common_free(&b.common);
}
