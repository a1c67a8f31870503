/* SPDX-License-Identifier: MIT */
#include "tree.h"
#include "memory.h"
#include "tree_grow.h"

#include <stdlib.h>
#include <string.h>

double tree_percent(const struct tree_growth *g, const struct figures *f)
{
    const struct dump *dump = g->tree->model->dump;
    uint64_t whole = g->options->value->get(&g->tree->whole, dump).value;
    return whole ? 100.0 * (double)g->options->value->get(f, dump).value / (double)whole : 0;
}

void tree_push(struct tree_growth *g, const struct tree_node *node)
{
    struct tree *t = g->tree;
    t->nodes = mem_grow(t->nodes, &g->capacity, t->n + 1, sizeof *t->nodes);
    t->nodes[t->n++] = *node;
}

bool tree_shows(struct tree_growth *g, double percent, size_t index, size_t depth)
{
    struct tree *t = g->tree;
    size_t most = g->options->max_children;
    if (most && index >= most)
        return false;
    if (most && !t->whole_is_zero && percent < TREE_LEAST_PERCENT)
        return false;
    t->deeper = t->deeper || depth >= g->options->max_depth;
    t->full = t->full || t->n >= TREE_MAX_NODES;
    return depth < g->options->max_depth && !t->full;
}

int tree_compare_places(const struct tree_growth *g, uint32_t a, uint32_t b)
{
    const struct place *places = g->tree->model->places;
    int order = strcmp(places[a].function, places[b].function);
    return order ? order : a < b ? -1 : a > b;
}

struct tree tree_new(const struct model *m, const struct tree_options *options)
{
    struct tree t = {.model = m,
                     .value = options->value,
                     .bottom_up = options->bottom_up,
                     .filtered = options->file_glob || options->function_glob};
    struct tree_options limited = *options;
    if (limited.max_depth == 0 || limited.max_depth > TREE_MAX_DEPTH)
        limited.max_depth = TREE_MAX_DEPTH;
    bool *matching = model_matching(m, options->file_glob, options->function_glob);
    for (size_t i = 0; i < m->dump->nsites; i++)
        if (matching[m->dump->sites[i].frame])
            figures_add_site(&t.whole, m->dump, i, options->lifetimes);
    figures_settle(&t.whole);
    t.whole_is_zero = options->value->get(&t.whole, m->dump).value == 0;
    struct tree_growth g = {.tree = &t, .options = &limited, .matching = matching};
    if (options->bottom_up)
        tree_grow_bottom_up(&g);
    else
        tree_grow_top_down(&g);
    free(matching);
    return t;
}

void tree_free(struct tree *t)
{
    free(t->nodes);
    *t = (struct tree){0};
}
