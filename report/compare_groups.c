/* SPDX-License-Identifier: MIT
 *
 * The stacks of two sets by the functions on them.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>

/* Entries of a set, and what those of a group have in common. */
struct members {
    const struct stackset *set;
    uint32_t *entries;
    size_t n, at;
};

static uint32_t calls_of(const struct stackset *s, uint32_t entry)
{
    return identities_node_at(s->identities, s->entries[entry].node)->calls;
}

static int by_calls(const void *a, const void *b, void *arg)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b, p = calls_of(arg, x),
             q = calls_of(arg, y);
    if (p != q)
        return p < q ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Sets are sorted, so that those of a group are in the order of their lines. */
static struct members members_of(const struct stackset *s)
{
    struct members m = {.set = s, .entries = mem_alloc(s->n * sizeof *m.entries), .n = s->n};
    for (uint32_t i = 0; i < s->n; i++)
        m.entries[i] = i;
    if (s->n > 1)
        qsort_r(m.entries, s->n, sizeof *m.entries, by_calls, (void *)s);
    return m;
}

/* What the members at hand have in common. */
static uint32_t calls_at(const struct members *m)
{
    return calls_of(m->set, m->entries[m->at]);
}

/* Passes those at hand; returns how many. */
static size_t pass(struct members *m)
{
    size_t from = m->at;
    uint32_t calls = calls_at(m);
    while (m->at < m->n && calls_at(m) == calls)
        m->at++;
    return m->at - from;
}

void compare_each_group(const struct stackset *s,
                        void (*visit)(void *arg, const uint32_t *entries, size_t n), void *arg)
{
    struct members m = members_of(s);
    while (m.at < m.n) {
        const uint32_t *entries = m.entries + m.at;
        size_t n = pass(&m);
        visit(arg, entries, n);
    }
    free(m.entries);
}

void compare_groups(struct matching *m,
                    void (*visit)(struct matching *m, const struct compare_group *g))
{
    struct members old = members_of(m->old), new = members_of(m->new);
    while (old.at < old.n && new.at < new.n) {
        uint32_t a = calls_at(&old), b = calls_at(&new);
        struct compare_group g = {.old = old.entries + old.at, .new = new.entries + new.at};
        if (a <= b)
            g.nold = pass(&old);
        if (b <= a)
            g.nnew = pass(&new);
        if (a == b)
            visit(m, &g);
    }
    free(old.entries);
    free(new.entries);
}
