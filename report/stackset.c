/* SPDX-License-Identifier: MIT */
#include "stackset.h"
#include "memory.h"

#include <stdlib.h>

struct stackset *stackset_new(const char *name, struct identities *identities)
{
    struct stackset *s = mem_zero(1, sizeof *s);
    s->name = name;
    s->identities = identities;
    s->complete = true;
    return s;
}

void stackset_free(struct stackset *s)
{
    if (!s)
        return;
    free(s->entries);
    free(s->entry_of);
    free(s->kinds);
    free(s);
}

/* The entry of NODE, which is made if there is none. */
static struct stackset_entry *entry_of(struct stackset *s, uint32_t node)
{
    size_t had = s->nodes;
    s->entry_of = mem_grow(s->entry_of, &s->nodes, (size_t)node + 1, sizeof *s->entry_of);
    for (size_t i = had; i < s->nodes; i++)
        s->entry_of[i] = 0;
    if (!s->entry_of[node]) {
        s->entries = mem_grow(s->entries, &s->capacity, s->n + 1, sizeof *s->entries);
        s->entries[s->n] = (struct stackset_entry){.node = node};
        s->entry_of[node] = (uint32_t)++s->n;
    }
    return &s->entries[s->entry_of[node] - 1];
}

void stackset_put(struct stackset *s, uint32_t node, const struct figures *figures)
{
    figures_add(&entry_of(s, node)->figures, figures);
}

/* The stack that ends in FRAME of M holds HELD of what E has: it may be the one to show. */
static void offer(struct stackset_entry *e, const struct model *m, uint32_t frame, uint64_t held)
{
    if (!m || (e->model && held <= e->held))
        return;
    e->model = m;
    e->frame = frame;
    e->held = held;
}

void stackset_put_from(struct stackset *s, uint32_t node, const struct stackset_entry *from)
{
    struct stackset_entry *e = entry_of(s, node);
    figures_add(&e->figures, &from->figures);
    offer(e, from->model, from->frame, from->held);
}

/* Which frames stacks end in, and KEEP lets be. */
static bool *find_wanted(const struct model *m, stackset_filter *keep, void *arg)
{
    const struct dump *dump = m->dump;
    bool *wanted = mem_zero(dump->nframes, sizeof *wanted);
    for (size_t i = 0; i < dump->nsites; i++)
        wanted[dump->sites[i].frame] = true;
    for (size_t f = 0; keep && f < dump->nframes; f++)
        wanted[f] = wanted[f] && keep(arg, m, (uint32_t)f);
    return wanted;
}

/* Adds the totals of DUMP to those of the set. */
static void add_whole(struct stackset *s, const struct dump *dump)
{
    struct figures whole = figures_of_dump(dump);
    figures_add(&s->total, &whole);
    s->whole.totals.c = s->total.c;
    s->whole.path = s->name;
    s->whole.has_errors |= dump->has_errors;
    s->whole.has_site_threads |= dump->has_site_threads;
    s->whole.nsites += dump->nsites;
    if (s->whole.sample_mean_bytes < dump->sample_mean_bytes)
        s->whole.sample_mean_bytes = dump->sample_mean_bytes;
    s->complete = s->complete && dump->complete;
    s->of_mappings = s->of_mappings || dump->of_mappings;
    s->ndumps++;
}

void stackset_add(struct stackset *s, const struct model *m, stackset_filter *keep, void *arg)
{
    const struct dump *dump = m->dump;
    bool *wanted = find_wanted(m, keep, arg);
    uint32_t *nodes = identities_of_model(s->identities, m, wanted);
    add_whole(s, dump);
    for (size_t i = 0; i < dump->nsites; i++) {
        struct figures site = {0};
        uint32_t frame = dump->sites[i].frame;
        if (!wanted[frame])
            continue;
        figures_add_site(&site, dump, i, false);
        struct stackset_entry *e = entry_of(s, nodes[frame]);
        figures_add(&e->figures, &site);
        offer(e, m, frame, site.c.live_bytes);
    }
    stackset_add_kinds(s, m, nodes);
    free(nodes);
    free(wanted);
}

void stackset_restrict(struct stackset *s, bool (*keep)(void *arg, const struct stackset_entry *e),
                       void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->entry_of[s->entries[i].node] = 0;
        if (keep(arg, &s->entries[i]))
            s->entries[kept++] = s->entries[i];
    }
    for (size_t i = 0; i < kept; i++)
        s->entry_of[s->entries[i].node] = (uint32_t)i + 1;
    s->n = kept;
}

static bool is_live(void *arg, const struct stackset_entry *e)
{
    (void)arg;
    return e->figures.c.live_count > 0 || e->figures.c.live_bytes > 0;
}

void stackset_keep_live(struct stackset *s)
{
    stackset_restrict(s, is_live, NULL);
    for (size_t i = 0; i < s->n; i++) {
        struct figures *f = &s->entries[i].figures;
        *f = (struct figures){.c = {.live_count = f->c.live_count, .live_bytes = f->c.live_bytes},
                              .variance = {.live_count = f->variance.live_count,
                                           .live_bytes = f->variance.live_bytes}};
    }
    /* Of the rest there is what limits and errors are about. */
    struct figures total = {.variance = s->total.variance};
#define X(name) total.c.name = s->total.c.name;
    DUMP_ERRORS(X)
#undef X
    s->total = total;
    s->whole.totals.c = total.c;
    s->live_only = true;
}

static int by_identity(const void *a, const void *b, void *arg)
{
    const struct stackset_entry *x = a, *y = b;
    return identities_compare(arg, x->node, y->node);
}

void stackset_sort(struct stackset *s)
{
    if (s->n > 1)
        qsort_r(s->entries, s->n, sizeof *s->entries, by_identity, s->identities);
    for (size_t i = 0; i < s->n; i++)
        s->entry_of[s->entries[i].node] = (uint32_t)i + 1;
}
