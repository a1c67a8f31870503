/* SPDX-License-Identifier: MIT */
#include "leaks.h"
#include "memory.h"
#include "top.h"

#include <stdlib.h>
#include <string.h>

/* The sites that hold live blocks, by the frame that their stacks end in. */
struct chains {
    uint32_t *first, *next; /* of each frame, of each site; plus 1; 0: none */
};

/* A stack, with no more than it is sorted by. */
struct candidate {
    struct cell cell;
    uint32_t frame;
};

static struct chains chain_sites(const struct dump *dump, const bool *matching)
{
    struct chains c = {mem_zero(dump->nframes, sizeof *c.first),
                       mem_zero(dump->nsites, sizeof *c.next)};
    for (size_t i = dump->nsites; i-- > 0;) {
        const struct dump_site *s = &dump->sites[i];
        if ((s->c.live_count == 0 && s->c.live_bytes == 0) || !matching[s->frame])
            continue;
        c.next[i] = c.first[s->frame];
        c.first[s->frame] = (uint32_t)i + 1;
    }
    return c;
}

static struct figures figures_of(const struct dump *dump, const struct chains *chains,
                                 uint32_t frame, bool lifetimes)
{
    struct figures f = {0};
    for (uint32_t s = chains->first[frame]; s; s = chains->next[s - 1])
        figures_add_site(&f, dump, s - 1, lifetimes);
    figures_settle(&f);
    return f;
}

/* Collects all stacks of the chains, and their total. */
static struct candidate *find_stacks(struct leaks *l, const struct chains *chains,
                                     const struct column *sort)
{
    const struct dump *dump = l->model->dump;
    struct candidate *found = NULL;
    size_t capacity = 0;
    bool by_lifetime = sort == columns_find("lifetime");
    for (size_t frame = 0; frame < dump->nframes; frame++) {
        if (!chains->first[frame])
            continue;
        struct figures f = figures_of(dump, chains, (uint32_t)frame, by_lifetime);
        figures_add(&l->total, &f);
        found = mem_grow(found, &capacity, l->stacks + 1, sizeof *found);
        found[l->stacks++] = (struct candidate){sort->get(&f, dump), (uint32_t)frame};
    }
    return found;
}

static int by_cell(const void *a, const void *b, void *arg)
{
    const struct candidate *x = a, *y = b;
    int order = columns_compare_cells(&x->cell, &y->cell);
    (void)arg;
    return order ? order : x->frame < y->frame ? -1 : x->frame > y->frame;
}

struct leaks leaks_new(const struct model *m, const struct leaks_options *options)
{
    struct leaks l = {.model = m, .filtered = options->file_glob || options->function_glob};
    bool *matching = model_matching(m, options->file_glob, options->function_glob);
    struct chains chains = chain_sites(m->dump, matching);
    free(matching);
    struct candidate *found = find_stacks(&l, &chains, options->sort);
    top_sort(found, l.stacks, sizeof *found, options->limit, by_cell, NULL);
    l.n = options->limit && options->limit < l.stacks ? options->limit : l.stacks;
    l.left_out = l.stacks - l.n;
    l.records = mem_alloc(l.n * sizeof *l.records);
    for (size_t i = 0; i < l.n; i++)
        l.records[i] = (struct leak_record){found[i].frame,
                                            figures_of(m->dump, &chains, found[i].frame, true)};
    free(found);
    free(chains.first);
    free(chains.next);
    return l;
}

void leaks_free(struct leaks *l)
{
    free(l->records);
    *l = (struct leaks){0};
}

struct leak_stack leaks_stack(const struct leaks *l, const struct leak_record *r, size_t limit)
{
    struct leak_stack s = {0};
    s.refs = model_stack(l->model, r->frame, &s.n);
    if (limit && s.n > limit) {
        s.left_out = s.n - limit;
        s.n = limit;
    }
    return s;
}

void leaks_stack_free(struct leak_stack *stack)
{
    free(stack->refs);
    *stack = (struct leak_stack){0};
}

bool leaks_are_told(const struct dump *d)
{
    static const char *const ends[] = {"exit", "signal", "api"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(d->reason, ends[i]) == 0)
            return true;
    return false;
}
