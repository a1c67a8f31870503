/* SPDX-License-Identifier: MIT */
#include "compared.h"
#include "memory.h"
#include "suppressions.h"

#include <stdlib.h>

/* Places as they come, before each is there once. */
struct found {
    const struct place **list;
    size_t n, capacity;
};

static void add_stack(struct found *found, const struct model *m, uint32_t frame)
{
    size_t n;
    struct model_ref *stack = model_stack(m, frame, &n);
    found->list = mem_grow(found->list, &found->capacity, found->n + n, sizeof(*found->list));
    for (size_t i = 0; i < n; i++)
        found->list[found->n++] = &m->places[stack[i].place];
    free(stack);
}

static int by_address(const void *a, const void *b)
{
    const struct place *const *x = a, *const *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The places that were found, each once. */
static void gather_places(struct compared *c, const struct found *found)
{
    c->places = mem_alloc(found->n * sizeof(*c->places));
    for (size_t i = 0; i < found->n; i++)
        c->places[i] = found->list[i];
    if (found->n > 1)
        qsort(c->places, found->n, sizeof(*c->places), by_address);
    for (size_t i = 0; i < found->n; i++)
        if (i == 0 || c->places[i] != c->places[c->nplaces - 1])
            c->places[c->nplaces++] = c->places[i];
}

static uint32_t find_place(const struct compared *c, const struct place *place)
{
    size_t low = 0, high = c->nplaces;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (place < c->places[middle])
            high = middle;
        else
            low = middle;
    }
    return (uint32_t)low;
}

struct compared compared_new(const struct stackset *leaks, size_t most)
{
    struct compared c = {.n = 0};
    struct found found = {0};
    c.first = mem_zero(most + 1, sizeof *c.first);
    for (size_t i = 0; i < leaks->n && i < most; i++) {
        const struct stackset_entry *e = &leaks->entries[i];
        if (!e->model)
            continue;
        add_stack(&found, e->model, e->frame);
        c.first[++c.n] = found.n;
    }
    gather_places(&c, &found);
    c.refs = mem_alloc(found.n * sizeof *c.refs);
    for (size_t i = 0; i < found.n; i++)
        c.refs[i] = find_place(&c, found.list[i]);
    c.hit = mem_zero(c.nplaces, sizeof *c.hit);
    free(found.list);
    return c;
}

void compared_free(struct compared *c)
{
    free(c->refs);
    free(c->first);
    free(c->places);
    free(c->hit);
    *c = (struct compared){.n = 0};
}

size_t compared_count(const struct compared *c, const char *pattern)
{
    const struct suppression s = {.pattern = pattern, .names = SUPPRESS_FUNCTION | SUPPRESS_MODULE};
    size_t count = 0;
    for (size_t i = 0; i < c->nplaces; i++)
        c->hit[i] = suppression_matches(&s, c->places[i]->function, NULL, c->places[i]->module);
    for (size_t i = 0; i < c->n; i++) {
        bool any = false;
        for (size_t k = c->first[i]; k < c->first[i + 1] && !any; k++)
            any = c->hit[c->refs[k]];
        count += any;
    }
    return count;
}
