/* SPDX-License-Identifier: MIT */
#include "known.h"

#include <string.h>

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

#define WORD sizeof(uintptr_t)
#define UNIT ((size_t)16)                        /* of memory for stacks */
#define FIRST_USED (sizeof(struct known) / UNIT) /* by the first, which is none */
_Static_assert(sizeof(struct known) % UNIT == 0, "whole units");

/* Sizes of the memory for stacks and nodes, and of the tables beside it, in proportion. */
#define FIRST_MEMORY ((size_t)64 << 10)
#define LAST_MEMORY ((size_t)4 << 20)
#define QUICK_MEMORY ((size_t)1 << 20) /* grows by four up to here, from here on by two */
#define MEMORY_A_HEAD 256
#define MEMORY_AN_EDGE 128
#define MEMORY_A_NODE 128

_Static_assert((LAST_MEMORY / MEMORY_A_NODE - 1) * 2 <= KNOWN_NODE_MASK, "numbers of nodes fit");

#define WORDS_MAX ((size_t)256)

/* Where the room for known stacks is used up by few captures, entering costs more than it saves:
 * then nothing is entered for a while. Both in captures for each stack that was entered. */
#define ENOUGH 8
#define PAUSE 16
#define PAUSE_UNFIT 256 /* captures, after a stack that cannot be told */

static uint64_t now(const struct knowns *k)
{
    return k->events ? atomic_load_explicit(k->events, memory_order_relaxed) : 0;
}

struct known_edge *known_edge_from(const struct known_table *t, size_t i, uint32_t tag)
{
    const size_t mask = SIZE_MAX >> (t->edges_shift % 64);
    while (t->edges[i].tag != tag && t->edges[i].tag != 0) {
        i = (i + 1) & mask;
    }
    return &t->edges[i];
}

void knowns_init(struct knowns *k, struct arena_pool *pool, const _Atomic uint64_t *events)
{
    *k = (struct knowns){.pool = pool, .events = events};
}

static size_t heads_size(const struct known_table *t)
{
    return (size_t)1 << (64 - t->heads_shift);
}

static size_t edges_size(const struct known_table *t)
{
    return (size_t)1 << (64 - t->edges_shift);
}

static void expect_nothing(struct known_table *t)
{
    t->last = t->expected = (struct known *)(void *)t->stacks;
    *t->last = (struct known){0};
}

/* The state with nothing in T. No node is the first: its id would be 0. What is left before the
 * counts are T's is no more than T has: a handler may leave in between. */
static void begin(struct knowns *k, struct known_table *t)
{
    expect_nothing(t);
    COMPILER_BARRIER();
    k->table = t;
    COMPILER_BARRIER();
    k->used = FIRST_USED;
    k->nodes_used = 1;
    k->entered = 0;
    k->heads_left = (uint32_t)heads_size(t) / 2;
    k->edges_left = (uint32_t)edges_size(t) / 4 * 3;
    k->begun = now(k);
    k->left = false;
}

static unsigned shift_of(size_t size)
{
    return 64u - (unsigned)__builtin_ctzll(size);
}

/* A table for SIZE bytes of stacks. The one there was is let go. */
static bool get_table(struct knowns *k, size_t size)
{
    const size_t heads = size / MEMORY_A_HEAD, edges = size / MEMORY_AN_EDGE,
                 nodes = size / MEMORY_A_NODE;
    struct known_table *t = arena_pool_map(k->pool, sizeof *t + size + heads * sizeof *t->heads +
                                                        (edges + 1) * sizeof *t->edges +
                                                        nodes * sizeof *t->nodes + UNIT);
    if (!t) {
        return false;
    }
    t->heads = (struct known_head *)(t + 1);
    t->edges = (struct known_edge *)(void *)(t->heads + heads);
    t->edges[edges].tag = KNOWN_END;
    t->nodes = (struct known_node *)(void *)(t->edges + edges + 1);
    t->stacks = (char *)(((uintptr_t)(t->nodes + nodes) + UNIT - 1) & ~(UNIT - 1));
    t->heads_shift = shift_of(heads);
    t->edges_shift = shift_of(edges);
    t->units = (uint32_t)(size / UNIT);
    t->nodes_size = (uint32_t)nodes;
    begin(k, t);
    return true;
}

void knowns_left(struct knowns *k)
{
    k->left = true;
}

/* What may be gone on with keeps its memory: it could write to it, and lead to what is there. */
void knowns_forget(struct knowns *k)
{
    struct known_table *t = k->table;
    if (!t || k->used == FIRST_USED || (k->left && get_table(k, FIRST_MEMORY))) {
        return;
    }
    expect_nothing(t);
    COMPILER_BARRIER();
    memset(t->heads, 0, heads_size(t) * sizeof *t->heads);
    memset(t->edges, 0, edges_size(t) * sizeof *t->edges);
    COMPILER_BARRIER(); /* none is found any more before its memory is used anew */
    begin(k, t);
}

bool knowns_wants(const struct knowns *k)
{
    return now(k) >= k->pause_until;
}

/* Something is used up. */
static void make_room(struct knowns *k)
{
    const size_t size = k->table->units * UNIT;
    if (now(k) - k->begun < ENOUGH * (uint64_t)k->entered) {
        k->pause_until = now(k) + PAUSE * (uint64_t)k->entered;
    } else if (size >= LAST_MEMORY || !get_table(k, size * (size < QUICK_MEMORY ? 4 : 2))) {
        knowns_forget(k);
    }
}

/* Whether there is room for one more head, two edges, a node and a stack of SIZE bytes. If not,
 * what was there may be gone. */
static bool has_room(struct knowns *k, size_t size)
{
    if (k->table->units - k->used >= size / UNIT + 1 && k->heads_left > 0 && k->edges_left >= 2 &&
        k->nodes_used < k->table->nodes_size) {
        return true;
    }
    make_room(k);
    return false;
}

/* The id of a stack of SIZE bytes, for which there is room. */
static uint32_t new_stack(struct knowns *k, size_t size)
{
    const uint32_t id = k->used * 2 | KNOWN_STACK;
    k->used += (uint32_t)((size + UNIT - 1) / UNIT);
    return id;
}

static struct known_node *node_at(const struct known_table *t, uint32_t id)
{
    return &t->nodes[(id & KNOWN_NODE_MASK) / 2];
}

/* Where the words that matter of a walk are. */
struct places {
    uint16_t at[WORDS_MAX + KNOWN_GROUP];
    uint16_t words, returns;
    bool uses_bp;
};

static bool add_place(struct places *p, uintptr_t sp, uintptr_t at)
{
    const uintptr_t place = (at - sp) / WORD;
    if (at < sp || (at - sp) % WORD != 0 || place > UINT16_MAX || p->words == WORDS_MAX) {
        return false;
    }
    p->at[p->words++] = (uint16_t)place;
    return true;
}

/* Return addresses first, then what else matters. A saved bp does only where a step further out
 * depends on it. */
static bool find_places(struct places *p, const struct trace_step *step, size_t n)
{
    const uintptr_t sp = step[0].sp;
    p->words = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (!add_place(p, sp, step[i].at)) {
            return false;
        }
    }
    p->returns = p->words;
    bool uses = rule_uses_bp(step[n - 1].rule); /* a step from the next frame depends on its bp */
    for (size_t i = n - 1; i-- > 0;) {
        if ((uses && step[i].bp_at && !add_place(p, sp, step[i].bp_at)) ||
            (step[i].load_at && !add_place(p, sp, step[i].load_at))) {
            return false;
        }
        uses = rule_uses_bp(step[i].rule) || (uses && rule_same_bp(step[i].rule));
    }
    p->uses_bp = uses;
    while (p->words % KNOWN_GROUP != 0) {
        p->at[p->words++] = p->at[0];
    }
    return true;
}

/* Some stack below ID; where there is a choice, the one along the words at SP. */
static struct known *descend(const struct known_table *t, uint32_t id, uintptr_t sp)
{
    while (!(id & KNOWN_STACK)) {
        uint32_t tag;
        const uint32_t to = known_edge(t, id, known_node_word(id, sp), &tag)->to;
        id = to != 0 ? to : node_at(t, id)->any;
    }
    return known_at(t, id);
}

/* Puts in *N the number of the first word in which X and Y differ, or that of all. Returns false if
 * they are not read at the same places up to there. */
static bool first_difference(const struct known *x, const struct known *y, uint32_t *n)
{
    const uint16_t *at = known_places(x), *other = known_places(y);
    for (*n = 0; *n < x->words; ++*n) {
        if (*n == y->words || at[*n] != other[*n]) {
            return false;
        }
        if (x->held[*n] != y->held[*n]) {
            return true;
        }
    }
    return x->words == y->words;
}

static void add_edge(struct knowns *k, uint32_t node, uintptr_t word, uint32_t to)
{
    uint32_t tag;
    struct known_edge *edge = known_edge(k->table, node, word, &tag);
    k->edges_left -= edge->tag == 0;
    edge->to = to;
    COMPILER_BARRIER();
    edge->tag = tag;
}

/* Puts stack ID, X, below *TO, where it differs from Y in word number N. */
static void branch(struct knowns *k, uint32_t *to, uint32_t id, const struct known *x,
                   const struct known *y, uint32_t n, uintptr_t sp)
{
    const struct known_table *t = k->table;
    while (!(*to & KNOWN_STACK) && node_at(t, *to)->word < n) {
        uint32_t tag;
        to = &known_edge(t, *to, known_node_word(*to, sp), &tag)->to;
        if (*to == 0) {
            return; /* two words have the same tag */
        }
    }
    if (!(*to & KNOWN_STACK) && node_at(t, *to)->word == n) {
        add_edge(k, *to, x->held[n], id);
        return;
    }
    const uint32_t new = k->nodes_used++ * 2 | (uint32_t)known_places(x)[n] << KNOWN_PLACE_SHIFT;
    *node_at(t, new) = (struct known_node){.word = n, .any = *to};
    add_edge(k, new, y->held[n], *to);
    add_edge(k, new, x->held[n], id);
    COMPILER_BARRIER(); /* a handler may leave by longjmp: whole before it can be found */
    *to = new;
}

/* Enters stack ID, X, which is whole, of (IP, SP). */
static void link_in(struct knowns *k, uint32_t id, struct known *x, uintptr_t ip, uintptr_t sp)
{
    const struct known_table *t = k->table;
    struct known_head *head;
    uint32_t n;
    for (size_t at = known_heads_start(t, ip, sp);;) {
        head = known_head(t, ip, sp, &at);
        if (head->ip == 0) {
            break;
        }
        struct known *y = descend(t, head->to, sp);
        if (!first_difference(x, y, &n)) {
            continue;
        }
        if (n < x->words) {
            branch(k, &head->to, id, x, y, n, sp);
        } else {
            x->next = y->next;
            COMPILER_BARRIER();
            y->next = id;
        }
        return;
    }
    head->sp = sp;
    head->to = id;
    COMPILER_BARRIER();
    head->ip = ip;
    k->heads_left--;
}

void knowns_enter(struct knowns *k, const struct trace_step *step, size_t n, struct shard *shard,
                  uint16_t function, bool cut)
{
    struct places p;
    if ((!k->table && !get_table(k, FIRST_MEMORY)) || n < 2 || !find_places(&p, step, n)) {
        k->pause_until = now(k) + PAUSE_UNFIT;
        return;
    }
    const size_t size = sizeof(struct known) + p.words * (WORD + sizeof p.at[0]);
    if (!has_room(k, size)) {
        return;
    }
    const uint32_t id = new_stack(k, size);
    struct known *x = known_at(k->table, id);
    *x = (struct known){.ip = step[0].ip,
                        .sp = step[0].sp,
                        .bp = step[0].bp,
                        .shard = shard,
                        .words = p.words,
                        .returns = p.returns,
                        .as = (uint16_t)(function | (cut ? KNOWN_CUT : 0)),
                        .uses_bp = p.uses_bp};
    for (size_t i = 0; i < p.words; i++) {
        x->held[i] = known_word(step[0].sp, p.at[i]);
    }
    memcpy(x->held + p.words, p.at, p.words * sizeof p.at[0]);
    COMPILER_BARRIER();
    k->entered++;
    link_in(k, id, x, step[0].ip, step[0].sp);
}

size_t knowns_frames(const struct known *x, uintptr_t ip, uintptr_t *frames, size_t max)
{
    size_t n = 0;
    for (; n < max && n <= x->returns; n++) {
        frames[n] = n == 0 ? ip : arch_return_address(x->held[n - 1]);
    }
    return n;
}
