/* SPDX-License-Identifier: MIT
 *
 * Whether both sides of a comparison are of the same build: told by the build-ids of the modules
 * that are in their dumps.
 */
#include "compare_parts.h"
#include "memory.h"
#include "pathname.h"

#include <stdlib.h>
#include <string.h>

enum { OLD = 1, NEW = 2 };

struct module {
    const char *name, *build_id; /* the latter "" if it is not known */
    unsigned side;
};

struct modules {
    struct module *list;
    size_t n, capacity;
};

static int by_address(const void *a, const void *b)
{
    const struct model *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct module *)a)->name, ((const struct module *)b)->name);
}

static void add_dump(struct modules *all, const struct dump *dump, unsigned side)
{
    all->list = mem_grow(all->list, &all->capacity, all->n + dump->nmodules, sizeof *all->list);
    for (size_t i = 0; i < dump->nmodules; i++) {
        const struct dump_module *m = &dump->modules[i];
        all->list[all->n++] = (struct module){.name = pathname_base(m->path),
                                              .build_id = m->build_id ? m->build_id : "",
                                              .side = side};
    }
}

/* Adds the modules of all dumps whose stacks are in S; false: some are from a baseline. */
static bool add_set(struct modules *all, const struct stackset *s, unsigned side)
{
    const struct model **models = mem_alloc((s->n + 1) * sizeof *models);
    bool known = true;
    for (size_t i = 0; i < s->n; i++) {
        models[i] = s->entries[i].model;
        known &= models[i] != NULL;
    }
    qsort(models, s->n, sizeof *models, by_address);
    for (size_t i = 0; known && i < s->n; i++)
        if (i == 0 || models[i] != models[i - 1])
            add_dump(all, models[i]->dump, side);
    free(models);
    return known;
}

/* Modules that only one side has are what a run loaded, or not; if each has some, a program may
 * have got another name. */
static bool are_same(struct modules *all)
{
    unsigned only = 0;
    bool common = false;
    if (all->n == 0)
        return false;
    qsort(all->list, all->n, sizeof *all->list, by_name);
    for (size_t i = 0, end; i < all->n; i = end) {
        unsigned sides = 0;
        for (end = i; end < all->n && by_name(&all->list[i], &all->list[end]) == 0; end++) {
            sides |= all->list[end].side;
            if (strcmp(all->list[i].build_id, all->list[end].build_id) != 0)
                return false;
        }
        if (sides != (OLD | NEW))
            only |= sides;
        else if (!all->list[i].build_id[0])
            return false;
        else
            common = true;
    }
    return common && only != (OLD | NEW);
}

bool compare_same_build(const struct stackset *old, const struct stackset *new)
{
    struct modules all = {0};
    bool same = add_set(&all, old, OLD) && add_set(&all, new, NEW) && are_same(&all);
    free(all.list);
    return same;
}
