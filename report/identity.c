/* SPDX-License-Identifier: MIT */
#include "identity.h"
#include "die.h"
#include "memory.h"
#include "pathname.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#define uthash_malloc(size) mem_alloc(size)
#define uthash_fatal(message) die("out of memory")
#include <uthash.h>

/* Compared by bytes: there is no padding. */
struct frame_key {
    const char *module, *function; /* as interned */
    int64_t line;
};

struct frame_entry {
    struct frame_key key;
    uint32_t id;
    UT_hash_handle hh;
};

struct node_entry {
    uint64_t key; /* the parent, and in the lower half the frame */
    uint32_t id;
    UT_hash_handle hh;
};

struct identities {
    struct pool *pool; /* strings and entries */
    struct identity_frame *frames;
    struct identity_node *nodes;
    size_t nframes, nnodes, frame_capacity, node_capacity;
    struct frame_entry *known_frames;
    struct node_entry *known_nodes;
};

struct identities *identities_new(void)
{
    struct identities *t = mem_zero(1, sizeof *t);
    t->pool = pool_new();
    t->nodes = mem_grow(NULL, &t->node_capacity, 1, sizeof *t->nodes);
    t->nodes[t->nnodes++] = (struct identity_node){0};
    return t;
}

void identities_free(struct identities *t)
{
    if (!t)
        return;
    HASH_CLEAR(hh, t->known_frames);
    HASH_CLEAR(hh, t->known_nodes);
    free(t->frames);
    free(t->nodes);
    pool_free(t->pool);
    free(t);
}

static uint32_t add_frame(struct identities *t, const struct frame_key *key)
{
    struct frame_entry *e;
    HASH_FIND(hh, t->known_frames, key, sizeof *key, e);
    if (e)
        return e->id;
    if (t->nframes >= INT32_MAX)
        die("out of memory");
    t->frames = mem_grow(t->frames, &t->frame_capacity, t->nframes + 1, sizeof *t->frames);
    e = pool_zero(t->pool, 1, sizeof *e);
    e->key = *key;
    e->id = (uint32_t)t->nframes;
    HASH_ADD(hh, t->known_frames, key, sizeof *key, e);
    t->frames[t->nframes++] = (struct identity_frame){.module = key->module,
                                                      .function = key->function,
                                                      .line = (int32_t)key->line,
                                                      .call = e->id};
    return e->id;
}

uint32_t identities_frame(struct identities *t, const char *module, const char *function,
                          int32_t line)
{
    struct frame_key key = {module ? pool_intern(t->pool, module) : NULL,
                            function ? pool_intern(t->pool, function) : NULL, IDENTITY_NO_LINE};
    uint32_t call = add_frame(t, &key);
    if (line == IDENTITY_NO_LINE)
        return call;
    key.line = line;
    uint32_t frame = add_frame(t, &key);
    t->frames[frame].call = call;
    return frame;
}

static uint32_t add_node(struct identities *t, uint32_t parent, uint32_t frame, uint32_t calls)
{
    uint64_t key = (uint64_t)parent << 32 | frame;
    struct node_entry *e;
    HASH_FIND(hh, t->known_nodes, &key, sizeof key, e);
    if (e)
        return e->id;
    if (t->nnodes >= UINT32_MAX)
        die("out of memory");
    t->nodes = mem_grow(t->nodes, &t->node_capacity, t->nnodes + 1, sizeof *t->nodes);
    e = pool_zero(t->pool, 1, sizeof *e);
    e->key = key;
    e->id = (uint32_t)t->nnodes;
    HASH_ADD(hh, t->known_nodes, key, sizeof key, e);
    t->nodes[t->nnodes++] = (struct identity_node){
        .parent = parent, .frame = frame, .depth = t->nodes[parent].depth + 1, .calls = calls};
    if (calls == IDENTITY_ROOT)
        t->nodes[e->id].calls = e->id;
    return e->id;
}

uint32_t identities_push(struct identities *t, uint32_t node, uint32_t frame)
{
    uint32_t call = t->frames[frame].call, outer = t->nodes[node].calls;
    /* A stack that has no lines is its own. */
    uint32_t calls =
        call == frame && outer == node ? IDENTITY_ROOT : add_node(t, outer, call, IDENTITY_ROOT);
    return add_node(t, node, frame, calls);
}

const struct identity_frame *identities_frame_at(const struct identities *t, uint32_t frame)
{
    return &t->frames[frame];
}

const struct identity_node *identities_node_at(const struct identities *t, uint32_t node)
{
    return &t->nodes[node];
}

const struct identity_frame *identities_innermost(const struct identities *t, uint32_t node)
{
    return &t->frames[t->nodes[node].frame];
}

size_t identities_nodes(const struct identities *t)
{
    return t->nnodes;
}

static int compare_names(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* By what FRAMES of the same depth are calls by. */
static int compare_calls(const struct identity_frame *x, const struct identity_frame *y)
{
    int order = x->call == y->call ? 0 : compare_names(x->module, y->module);
    return order || x->call == y->call ? order : compare_names(x->function, y->function);
}

int identities_compare(const struct identities *t, uint32_t a, uint32_t b)
{
    uint32_t a_depth = t->nodes[a].depth, b_depth = t->nodes[b].depth;
    int by_calls = 0, by_lines = 0;
    uint32_t x = a, y = b;
    for (uint32_t depth = a_depth; depth > b_depth; depth--)
        x = t->nodes[x].parent;
    for (uint32_t depth = b_depth; depth > a_depth; depth--)
        y = t->nodes[y].parent;
    /* From the inside: what is found further out counts more. */
    for (; x != y; x = t->nodes[x].parent, y = t->nodes[y].parent) {
        const struct identity_frame *f = &t->frames[t->nodes[x].frame],
                                    *g = &t->frames[t->nodes[y].frame];
        int order = compare_calls(f, g);
        by_calls = order ? order : by_calls;
        by_lines = f->line != g->line ? (f->line < g->line ? -1 : 1) : by_lines;
    }
    if (by_calls == 0 && a_depth != b_depth)
        return a_depth < b_depth ? -1 : 1;
    return by_calls ? by_calls : by_lines;
}
