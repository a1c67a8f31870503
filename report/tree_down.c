/* SPDX-License-Identifier: MIT
 *
 * Top-down: frames that show the same place below the same callers are merged into one node. Of all
 * these nodes only what they are sorted by is kept; the figures of those that are shown are added
 * up once more.
 */
#include "die.h"
#include "memory.h"
#include "tree_grow.h"

#include <stdlib.h>

/* Node 0 stands above the outermost callers. Parents come before their children. */
struct merged {
    struct model_ref ref;
    uint32_t parent, child, sibling; /* 0: none */
    uint32_t site;                   /* the first that ends here; plus 1; 0: none */
};

struct weight {
    struct cell total, self;
    double percent; /* below 0: nothing was allocated here or below */
};

struct merging {
    struct tree_growth *g;
    struct merged *nodes;
    size_t n, capacity;
    uint32_t *slot; /* an open-addressing table of nodes, at most half full; 0: free */
    size_t slots;   /* a power of 2 */
    uint32_t *next; /* of each site: the next that ends in the same node; plus 1; 0: none */
    struct weight *weights;
    uint32_t *shown; /* of each node: its place in the tree; plus 1; 0: it is not there */
};

/* Where the node of PLACE below PARENT is, or would go. */
static uint32_t *find(const struct merging *b, uint32_t parent, uint32_t place)
{
    uint64_t hash = ((uint64_t)parent << 32 | place) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash >> 24) & (b->slots - 1);
    while (b->slot[i] &&
           (b->nodes[b->slot[i]].parent != parent || b->nodes[b->slot[i]].ref.place != place))
        i = (i + 1) & (b->slots - 1);
    return &b->slot[i];
}

static void grow_table(struct merging *b)
{
    b->slots = b->slots ? 2 * b->slots : 512;
    free(b->slot);
    b->slot = mem_zero(b->slots, sizeof *b->slot);
    for (size_t i = 1; i < b->n; i++)
        *find(b, b->nodes[i].parent, b->nodes[i].ref.place) = (uint32_t)i;
}

static uint32_t child_of(struct merging *b, uint32_t parent, struct model_ref ref)
{
    uint32_t *slot = find(b, parent, ref.place), id = *slot;
    if (id)
        return id;
    if (b->n >= UINT32_MAX)
        die("out of memory");
    b->nodes = mem_grow(b->nodes, &b->capacity, b->n + 1, sizeof *b->nodes);
    id = *slot = (uint32_t)b->n++;
    b->nodes[id] = (struct merged){.ref = ref, .parent = parent, .sibling = b->nodes[parent].child};
    b->nodes[parent].child = id;
    if (2 * b->n > b->slots)
        grow_table(b);
    return id;
}

static void merge(struct merging *b)
{
    const struct model *m = b->g->tree->model;
    const struct dump *dump = m->dump;
    uint32_t *node_of = mem_zero(dump->nframes, sizeof *node_of);
    b->nodes = mem_grow(NULL, &b->capacity, 1, sizeof *b->nodes);
    b->nodes[b->n++] = (struct merged){.parent = 0};
    grow_table(b);
    for (size_t f = 1; f < dump->nframes; f++) {
        node_of[f] = node_of[dump->frames[f].parent];
        struct model_refs refs = model_refs(m, (uint32_t)f);
        for (uint32_t i = refs.end; i-- > refs.first;)
            node_of[f] = child_of(b, node_of[f], m->refs[i]);
    }
    for (size_t i = dump->nsites; i-- > 0;) {
        uint32_t frame = dump->sites[i].frame;
        if (!b->g->matching[frame])
            continue;
        uint32_t id = frame ? node_of[frame] : child_of(b, 0, m->refs[0]);
        b->next[i] = b->nodes[id].site;
        b->nodes[id].site = (uint32_t)i + 1;
    }
    free(node_of);
    free(b->slot);
}

/* The figures of the nodes on the path from the top to where a walk is, as far as it has come. */
struct path {
    struct figures *total, *self;
    size_t n, total_capacity, self_capacity;
};

static void enter(const struct merging *b, struct path *p, uint32_t id, bool lifetimes)
{
    const struct dump *dump = b->g->tree->model->dump;
    p->total = mem_grow(p->total, &p->total_capacity, p->n + 1, sizeof *p->total);
    p->self = mem_grow(p->self, &p->self_capacity, p->n + 1, sizeof *p->self);
    struct figures *total = &p->total[p->n], *self = &p->self[p->n];
    *total = *self = (struct figures){0};
    for (uint32_t s = b->nodes[id].site; s; s = b->next[s - 1]) {
        figures_add_site(self, dump, s - 1, false);
        figures_add_site(total, dump, s - 1, lifetimes);
    }
    p->n++;
}

static void leave(struct path *p)
{
    p->n--;
    if (p->n > 0)
        figures_hand_on(&p->total[p->n - 1], &p->total[p->n]);
    else
        figures_drop(&p->total[p->n]);
}

/* Calls SEE for every node when all below it is known. Without recursion: stacks may be as deep as
 * a dump has frames. */
static void walk(struct merging *b, bool lifetimes,
                 void (*see)(struct merging *, uint32_t, const struct figures *total,
                             const struct figures *self))
{
    struct path p = {.n = 0};
    uint32_t id = b->nodes[0].child;
    while (id) {
        enter(b, &p, id, lifetimes);
        uint32_t next = b->nodes[id].child;
        while (!next && id) {
            see(b, id, &p.total[p.n - 1], &p.self[p.n - 1]);
            leave(&p);
            next = b->nodes[id].sibling;
            id = b->nodes[id].parent;
        }
        id = next;
    }
    free(p.total);
    free(p.self);
}

static const struct column *sort_column(const struct tree_growth *g)
{
    return g->options->sort ? g->options->sort : g->options->value;
}

static void weigh(struct merging *b, uint32_t id, const struct figures *total,
                  const struct figures *self)
{
    const struct dump *dump = b->g->tree->model->dump;
    const struct column *sort = sort_column(b->g);
    bool any = total->c.alloc_count || total->c.live_bytes;
    b->weights[id] = (struct weight){sort->get(total, dump), sort->get(self, dump),
                                     any ? tree_percent(b->g, total) : -1};
}

static void fill_in(struct merging *b, uint32_t id, const struct figures *total,
                    const struct figures *self)
{
    if (!b->shown[id])
        return;
    struct tree_node *node = &b->g->tree->nodes[b->shown[id] - 1];
    node->total = figures_settled(total);
    node->self = *self;
}

static int by_weight(const void *x, const void *y, void *arg)
{
    const struct merging *b = arg;
    uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
    const struct weight *v = &b->weights[i], *w = &b->weights[k];
    int order = b->g->options->by_self ? columns_compare_cells(&v->self, &w->self) : 0;
    if (order == 0)
        order = columns_compare_cells(&v->total, &w->total);
    return order ? order : tree_compare_places(b->g, b->nodes[i].ref.place, b->nodes[k].ref.place);
}

/* The children of node PARENT in the order of printing: an array of *N, to be freed. */
static uint32_t *sorted_children(struct merging *b, uint32_t parent, size_t *n)
{
    uint32_t *children = NULL;
    size_t capacity = 0;
    *n = 0;
    for (uint32_t c = b->nodes[parent].child; c; c = b->nodes[c].sibling) {
        if (b->weights[c].percent < 0)
            continue;
        children = mem_grow(children, &capacity, *n + 1, sizeof *children);
        children[(*n)++] = c;
    }
    if (*n > 1)
        qsort_r(children, *n, sizeof *children, by_weight, b);
    return children;
}

/* Appends the children of node PARENT, and theirs; returns how many were left out. Recursion is
 * limited by TREE_MAX_DEPTH. */
static uint64_t flatten(struct merging *b, uint32_t parent, uint32_t depth)
{
    size_t n;
    uint32_t *children = sorted_children(b, parent, &n);
    uint64_t left_out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct weight *weight = &b->weights[children[i]];
        const struct model_ref ref = b->nodes[children[i]].ref;
        if (!tree_shows(b->g, weight->percent, i, depth)) {
            left_out = n - i;
            break;
        }
        struct tree_node node = {
            .place = ref.place, .inlined = ref.inlined, .depth = depth, .percent = weight->percent};
        tree_push(b->g, &node);
        size_t at = b->g->tree->n - 1;
        b->shown[children[i]] = (uint32_t)at + 1;
        uint64_t below = flatten(b, children[i], depth + 1);
        b->g->tree->nodes[at].left_out = below;
    }
    free(children);
    return left_out;
}

void tree_grow_top_down(struct tree_growth *g)
{
    struct merging b = {.g = g};
    b.next = mem_zero(g->tree->model->dump->nsites, sizeof *b.next);
    merge(&b);
    b.weights = mem_alloc(b.n * sizeof *b.weights);
    walk(&b, sort_column(g) == columns_find("lifetime"), weigh);
    b.shown = mem_zero(b.n, sizeof *b.shown);
    g->tree->left_out = flatten(&b, 0, 0);
    walk(&b, g->options->lifetimes, fill_in);
    free(b.nodes);
    free(b.next);
    free(b.weights);
    free(b.shown);
}
