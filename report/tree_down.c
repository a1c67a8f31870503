/* SPDX-License-Identifier: MIT
 *
 * Top-down: frames that show the same place below the same callers are merged into one node, then
 * the nodes are put into the order of printing.
 */
#include "die.h"
#include "memory.h"
#include "pool.h"
#include "tree_grow.h"

#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_fatal(message) die("out of memory")
#include <uthash.h>

/* Node 0 stands above the outermost callers. */
struct merged {
    struct tree_node node;
    uint32_t parent, child, sibling, nchildren;
};

struct merged_entry {
    uint64_t key; /* parent and place */
    uint32_t id;
    UT_hash_handle hh;
};

struct merging {
    struct merged *nodes;
    size_t n, capacity;
    struct merged_entry *known;
    struct pool *entries; /* what they live in */
};

static uint32_t add(struct merging *b, const struct tree_node *node, uint32_t parent)
{
    b->nodes = mem_grow(b->nodes, &b->capacity, b->n + 1, sizeof *b->nodes);
    if (b->n >= UINT32_MAX)
        die("out of memory");
    b->nodes[b->n] = (struct merged){.node = *node, .parent = parent};
    if (b->n) {
        b->nodes[b->n].sibling = b->nodes[parent].child;
        b->nodes[parent].child = (uint32_t)b->n;
        b->nodes[parent].nchildren++;
    }
    return (uint32_t)b->n++;
}

static uint32_t child_of(struct merging *b, uint32_t parent, struct model_ref ref)
{
    uint64_t key = (uint64_t)parent << 32 | ref.place;
    struct merged_entry *e;
    HASH_FIND(hh, b->known, &key, sizeof key, e);
    if (e)
        return e->id;
    struct tree_node node = {.place = ref.place, .inlined = ref.inlined};
    e = pool_zero(b->entries, 1, sizeof *e);
    e->key = key;
    e->id = add(b, &node, parent);
    HASH_ADD(hh, b->known, key, sizeof key, e);
    return e->id;
}

static void merge(struct merging *b, const struct tree_growth *g)
{
    const struct model *m = g->tree->model;
    const struct dump *dump = m->dump;
    uint32_t *node_of = mem_zero(dump->nframes, sizeof *node_of);
    struct tree_node top = {0};
    add(b, &top, 0);
    for (size_t f = 1; f < dump->nframes; f++) {
        node_of[f] = node_of[dump->frames[f].parent];
        struct model_refs refs = model_refs(m, (uint32_t)f);
        for (uint32_t i = refs.end; i-- > refs.first;)
            node_of[f] = child_of(b, node_of[f], m->refs[i]);
    }
    for (size_t i = 0; i < dump->nsites; i++) {
        const struct dump_site *s = &dump->sites[i];
        if (!g->matching[s->frame])
            continue;
        uint32_t id = s->frame ? node_of[s->frame] : child_of(b, 0, m->refs[0]);
        figures_add_site(&b->nodes[id].node.self, s, false);
        figures_add_site(&b->nodes[id].node.total, s, g->options->lifetimes);
    }
    for (size_t i = b->n; i-- > 1;) {
        struct figures *from = &b->nodes[i].node.total;
        struct figures *to = &b->nodes[b->nodes[i].parent].node.total;
        if (from->lifetime)
            figures_keep_lifetimes(to);
        figures_add(to, from);
        figures_settle(from);
    }
    figures_drop(&b->nodes[0].node.total);
    free(node_of);
}

struct sorting {
    const struct tree_growth *g;
    const struct merging *b;
};

static int compare(const void *x, const void *y, void *arg)
{
    const struct sorting *s = arg;
    return tree_compare(s->g, &s->b->nodes[*(const uint32_t *)x].node,
                        &s->b->nodes[*(const uint32_t *)y].node);
}

/* Appends the children of node PARENT, and theirs; returns how many were left out. Recursion is
 * limited by TREE_MAX_DEPTH. */
static uint64_t flatten(struct tree_growth *g, struct merging *b, uint32_t parent, uint32_t depth)
{
    struct sorting sorting = {g, b};
    uint32_t *children = mem_alloc(b->nodes[parent].nchildren * sizeof *children);
    size_t n = 0;
    uint64_t left_out = 0;
    for (uint32_t c = b->nodes[parent].child; c; c = b->nodes[c].sibling)
        if (b->nodes[c].node.total.c.alloc_count || b->nodes[c].node.total.c.live_bytes)
            children[n++] = c;
    qsort_r(children, n, sizeof *children, compare, &sorting);
    for (size_t i = 0; i < n; i++) {
        struct tree_node *node = &b->nodes[children[i]].node;
        if (!tree_shows(g, node, i, depth)) {
            left_out = n - i;
            break;
        }
        node->depth = depth;
        tree_push(g, node);
        size_t at = g->tree->n - 1;
        uint64_t below = flatten(g, b, children[i], depth + 1);
        g->tree->nodes[at].left_out = below;
    }
    free(children);
    return left_out;
}

void tree_grow_top_down(struct tree_growth *g)
{
    struct merging b = {.entries = pool_new()};
    merge(&b, g);
    HASH_CLEAR(hh, b.known);
    pool_free(b.entries);
    g->tree->left_out = flatten(g, &b, 0, 0);
    free(b.nodes);
}
