/* SPDX-License-Identifier: MIT
 *
 * Bottom-up: each stack is followed from the inside out. Stacks that agree so far are kept together
 * and are followed further only while they weigh enough to be shown, so that the tree, which would
 * have a node for each frame of each stack, never exists as a whole.
 */
#include "memory.h"
#include "tree_grow.h"

#include <stdlib.h>

struct cursor {
    uint32_t site;
    uint32_t frame; /* 0: beyond the outermost frame */
    uint32_t ref;
};

struct group {
    struct tree_node node;
    size_t from, to; /* cursors */
};

static struct model_ref ref_at(const struct model *m, const struct cursor *c)
{
    return m->refs[c->ref];
}

/* Steps outward; false at the end of the stack. */
static bool step(const struct model *m, struct cursor *c)
{
    if (c->frame == 0)
        return false;
    if (c->ref + 1 < model_refs(m, c->frame).end) {
        c->ref++;
        return true;
    }
    c->frame = m->dump->frames[c->frame].parent;
    c->ref = model_refs(m, c->frame).first;
    return c->frame != 0;
}

static int by_place(const void *a, const void *b, void *arg)
{
    const struct model *m = arg;
    const struct cursor *x = a, *y = b;
    struct model_ref p = ref_at(m, x), q = ref_at(m, y);
    if (p.place != q.place)
        return p.place < q.place ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int by_size(const void *a, const void *b, void *arg)
{
    const struct tree_growth *g = arg;
    const struct tree_node *x = &((const struct group *)a)->node,
                           *y = &((const struct group *)b)->node;
    const struct column *sort = g->options->sort ? g->options->sort : g->options->value;
    const struct dump *dump = g->tree->model->dump;
    int order = g->options->by_self ? columns_compare(sort, &x->self, &y->self, dump) : 0;
    if (order == 0)
        order = columns_compare(sort, &x->total, &y->total, dump);
    return order ? order : tree_compare_places(g, x->place, y->place);
}

/* Puts cursors at the same place next to each other, a group for each place. */
static struct group *split(struct tree_growth *g, struct cursor *cursors, size_t n, size_t *ngroups)
{
    const struct model *m = g->tree->model;
    struct group *groups = NULL;
    size_t capacity = 0;
    *ngroups = 0;
    qsort_r(cursors, n, sizeof *cursors, by_place, (void *)m);
    for (size_t i = 0; i < n; i++) {
        struct model_ref ref = ref_at(m, &cursors[i]);
        if (i == 0 || ref.place != groups[*ngroups - 1].node.place) {
            groups = mem_grow(groups, &capacity, *ngroups + 1, sizeof *groups);
            groups[(*ngroups)++] =
                (struct group){.node = {.place = ref.place, .inlined = ref.inlined}, .from = i};
        }
        struct group *last = &groups[*ngroups - 1];
        figures_add_site(&last->node.total, m->dump, cursors[i].site, g->options->lifetimes);
        last->to = i + 1;
    }
    for (size_t i = 0; i < *ngroups; i++) {
        struct tree_node *node = &groups[i].node;
        figures_settle(&node->total);
        node->percent = tree_percent(g, &node->total);
    }
    if (*ngroups)
        qsort_r(groups, *ngroups, sizeof *groups, by_size, g);
    return groups;
}

/* Appends a node for each group of the N stacks, and theirs; returns how many were left out.
 * Recursion is limited by TREE_MAX_DEPTH. */
static uint64_t follow(struct tree_growth *g, struct cursor *cursors, size_t n, uint32_t depth)
{
    const struct model *m = g->tree->model;
    size_t ngroups;
    struct group *groups = split(g, cursors, n, &ngroups);
    uint64_t left_out = 0;
    for (size_t i = 0; i < ngroups; i++) {
        struct group *group = &groups[i];
        if (!tree_shows(g, group->node.percent, i, depth)) {
            left_out = ngroups - i;
            break;
        }
        if (depth == 0)
            group->node.self = group->node.total;
        group->node.depth = depth;
        tree_push(g, &group->node);
        size_t at = g->tree->n - 1, kept = group->from;
        for (size_t k = group->from; k < group->to; k++) {
            struct cursor c = cursors[k];
            if (step(m, &c))
                cursors[kept++] = c;
        }
        uint64_t below = follow(g, cursors + group->from, kept - group->from, depth + 1);
        g->tree->nodes[at].left_out = below;
    }
    free(groups);
    return left_out;
}

/* With a project root, at what the stack is charged to: the innermost place of the project. */
static struct cursor innermost(const struct model *m, uint32_t site)
{
    uint32_t frame = m->dump->sites[site].frame;
    struct cursor first = {site, frame, model_refs(m, frame).first}, c = first;
    while (m->root && !m->places[ref_at(m, &c).place].own)
        if (!step(m, &c))
            return first;
    return c;
}

void tree_grow_bottom_up(struct tree_growth *g)
{
    const struct model *m = g->tree->model;
    struct cursor *cursors = mem_alloc(m->dump->nsites * sizeof *cursors);
    size_t n = 0;
    for (size_t i = 0; i < m->dump->nsites; i++) {
        uint32_t frame = m->dump->sites[i].frame;
        if (g->matching[frame])
            cursors[n++] = innermost(m, (uint32_t)i);
    }
    g->tree->left_out = follow(g, cursors, n, 0);
    free(cursors);
}
