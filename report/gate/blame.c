/* SPDX-License-Identifier: MIT
 *
 * Which stacks a check that failed is blamed on: the largest first.
 */
#include "gate.h"
#include "memory.h"
#include "top.h"

#include <math.h>
#include <stdlib.h>

#define BLAMED 3 /* stacks for a peak or a number of allocations */

/* By what a finding weighs, the most first. */
static int by_bytes(const void *a, const void *b, void *arg)
{
    const struct stackset_entry *const *x = a, *const *y = b;
    const struct dump_counters *c = &(*x)->figures.c, *d = &(*y)->figures.c;
    (void)arg;
    if (c->live_bytes != d->live_bytes)
        return c->live_bytes > d->live_bytes ? -1 : 1;
    if (c->live_count != d->live_count)
        return c->live_count > d->live_count ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static int by_peak(const void *a, const void *b, void *arg)
{
    const struct stackset_entry *const *x = a, *const *y = b;
    uint64_t p = (*x)->figures.c.peak_bytes, q = (*y)->figures.c.peak_bytes;
    (void)arg;
    return p != q ? (p > q ? -1 : 1) : (*x > *y) - (*x < *y);
}

static int by_allocs(const void *a, const void *b, void *arg)
{
    const struct stackset_entry *const *x = a, *const *y = b;
    uint64_t p = (*x)->figures.c.alloc_count, q = (*y)->figures.c.alloc_count;
    (void)arg;
    return p != q ? (p > q ? -1 : 1) : (*x > *y) - (*x < *y);
}

static const struct stackset_entry **pointers(const struct stackset *s)
{
    const struct stackset_entry **list = mem_alloc(s->n * sizeof(*list));
    for (size_t i = 0; i < s->n; i++)
        list[i] = &s->entries[i];
    return list;
}

void gate_blame_leaks(struct gate *g, double most)
{
    const struct stackset_entry **list = pointers(g->leaks);
    size_t n = 0;
    for (size_t i = 0; i < g->leaks->n; i++) {
        const struct figures *f = &list[i]->figures;
        if (most < 0 ||
            gate_exceeds(g, (double)f->c.live_bytes, sqrt(f->variance.live_bytes), most))
            list[n++] = list[i];
    }
    size_t told = gate_told(g, n);
    top_sort(list, n, sizeof(*list), told, by_bytes, NULL);
    for (size_t i = 0; i < told; i++) {
        const struct figures *f = &list[i]->figures;
        gate_blame(g, &(struct gate_blame){
                          .entry = list[i],
                          .message = verdict_words(&g->verdict, "%s leaked", gate_amount(g, f)),
                          .bytes = f->c.live_bytes,
                          .blocks = f->c.live_count,
                          .leak = true});
    }
    g->verdict.checks[g->verdict.nchecks - 1].left_out = n - told;
    free(list);
}

void gate_blame_most(struct gate *g, bool peak)
{
    struct stackset *all = gate_gather(g, false);
    const struct stackset_entry **list = pointers(all);
    size_t told = all->n < BLAMED ? all->n : BLAMED;
    top_sort(list, all->n, sizeof(*list), told, peak ? by_peak : by_allocs, NULL);
    for (size_t i = 0; i < told; i++) {
        const struct dump_counters *c = &list[i]->figures.c;
        if ((peak ? c->peak_bytes : c->alloc_count) == 0)
            break;
        const char *message =
            peak ? verdict_words(&g->verdict, "%s held at the peak",
                                 gate_size(g, (double)c->peak_bytes))
                 : gate_things(g, (double)c->alloc_count, "allocation", "allocations");
        gate_blame(g, &(struct gate_blame){.entry = list[i],
                                           .message = message,
                                           .bytes = peak ? c->peak_bytes : c->alloc_bytes,
                                           .blocks = peak ? c->peak_count : c->alloc_count});
    }
    free(list);
    stackset_free(all);
}
