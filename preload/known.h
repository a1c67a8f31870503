/* SPDX-License-Identifier: MIT
 *
 * A thread's stacks that are known whole: for each the words that its walk read, and the shard that
 * counts it. A walk is a function of (ip, sp, bp) and of the words it reads, so a stack is proved
 * to be a known one when each of its words is what it was. No rule is looked at, and memory is read
 * in a row, not from frame to frame. What is not found here goes to the tree of frames (trace.h).
 *
 * The stacks from one (ip, sp) are told apart by a Patricia tree (Morrison, 1968) over their words:
 * an inner node tells the first place at which those below it differ, an edge what lies there.
 * Where their words are does not only depend on the words before: stacks that are read at other
 * places though no word before differs are in a tree of their own.
 *
 * Programs do the same things in the same order, so the stack that came after the last one before
 * is tried first; those that are found behind others do not count. Wherever a stack is found, its
 * words prove that it is the one.
 *
 * Owned by one thread, under the guard. Only stacks that lie on the thread's own stack may be
 * entered, and are whole, to the outermost frame, by simple rules: their words can be read whenever
 * the thread is at that (ip, sp) again. A longjmp out of any function here leaves all sound.
 * Without memory nothing is entered.
 */
#ifndef PRELOAD_KNOWN_H
#define PRELOAD_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"
#include "trace.h"

struct shard;

/* Words are compared in groups, and within these in pairs; the last group is filled up by the first
 * word. */
#define KNOWN_GROUP ((size_t)4)
typedef uintptr_t known_pair __attribute__((vector_size(2 * sizeof(uintptr_t)), may_alias));

#define KNOWN_CUT ((uint16_t)1 << 15) /* the stack has more frames than are told */
/* So often another stack than the one that is expected may come before it takes its place. */
#define KNOWN_SURE 3

/* A stack. Behind it lie its words' places, from sp on. */
struct known {
    uintptr_t ip, sp, bp;
    struct shard *shard;
    int32_t after;    /* so far from it lies the one that is expected after it */
    uint32_t next;    /* id of one that differs in bp alone; or 0 */
    uint16_t words;   /* a multiple of KNOWN_GROUP, not 0 */
    uint16_t returns; /* so many are return addresses, which come first, from the inside */
    uint16_t as;      /* the function that the shard is of; with KNOWN_CUT, if so */
    bool uses_bp;     /* the walk depends on bp */
    uint8_t sure;     /* how often another may still come; up to KNOWN_SURE */
    _Alignas(known_pair) uintptr_t held[];
};

/* Ids: of a stack where it lies in the memory, in units of 8 bytes, which is even, plus this bit;
 * of a node its number, and above it the place that it looks at, so that a search need not read
 * nodes. 0: nothing. */
#define KNOWN_STACK ((uint32_t)1)
#define KNOWN_PLACE_SHIFT 16
#define KNOWN_NODE_MASK (((uint32_t)1 << KNOWN_PLACE_SHIFT) - 2)

struct known_node {
    uint32_t word; /* the number of the word that differs */
    uint32_t any;  /* id of what is below for some word */
};

struct known_edge {
    uint32_t tag; /* of node and word; 0: empty */
    uint32_t to;  /* id */
};

#define KNOWN_END 2u /* a tag that none is looked for by, as all are odd, and that is not empty */

struct known_head {
    uintptr_t ip, sp; /* ip 0: empty */
    uint32_t to;      /* id */
};

/* The memory for them: this, what it leads to, and the stacks. Never given back, nor moved: a
 * search that a handler interrupts, which comes to need more, goes on in it, and ends in it. */
struct known_table {
    struct known_head *heads;          /* open addressing */
    struct known_edge *edges;          /* open addressing; and KNOWN_END behind them */
    struct known_node *nodes;          /* by half their number */
    char *stacks;                      /* the first is none: no thread is ever there */
    unsigned heads_shift, edges_shift; /* 64 less the logarithm of their sizes */
    uint32_t units, nodes_size;
    struct known *last;     /* that was found; or the first, as the next */
    struct known *expected; /* is tried first */
};

struct knowns {
    struct known_table *table;       /* NULL: nothing was entered yet */
    uint32_t heads_left, edges_left; /* how many more may be entered */
    uint32_t nodes_used, used;       /* the latter in units of 16 bytes */
    struct arena_pool *pool;
    const _Atomic uint64_t *events; /* counts captures; or NULL */
    uint64_t begun;                 /* the count when it was last empty */
    uint64_t pause_until;           /* the count until which nothing is entered */
    uint32_t entered;               /* stacks since then */
    bool left;                      /* a search may be going on in this table later */
};

/* EVENTS: see above. Takes no memory before the first stack is entered. */
void knowns_init(struct knowns *k, struct arena_pool *pool, const _Atomic uint64_t *events);

/* Whether a stack that was not found should be entered: not where nearly all are new ones. */
bool knowns_wants(const struct knowns *k);

/* Enters the stack of N frames that STEP tells, from the innermost to the outermost, which SHARD
 * counts for FUNCTION. It must not be known yet. Nothing is entered that cannot be told in the form
 * above. */
void knowns_enter(struct knowns *k, const struct trace_step *step, size_t n, struct shard *shard,
                  uint16_t function, bool cut);

void knowns_forget(struct knowns *k);

/* A handler has left what was going on here; or it may seem so, and that is gone on with later (a
 * handler that changes stacks). */
void knowns_left(struct knowns *k);

/* Writes the return addresses of X, from IP on, which is the innermost frame's; at most MAX.
 * Returns how many. */
size_t knowns_frames(const struct known *x, uintptr_t ip, uintptr_t *frames, size_t max);

static inline struct known *known_at(const struct known_table *t, uint32_t id)
{
    return (struct known *)(void *)(t->stacks + (size_t)(id & ~KNOWN_STACK) * 8);
}

static inline const uint16_t *known_places(const struct known *x)
{
    return (const uint16_t *)(x->held + x->words);
}

static inline uintptr_t known_word(uintptr_t sp, uint16_t place)
{
    return trace_load(sp + (uintptr_t)place * sizeof(uintptr_t));
}

/* What differs of X's words I and I + 1. */
static inline known_pair known_changed(const struct known *x, const uint16_t *place, size_t i,
                                       uintptr_t sp)
{
    const known_pair now = {known_word(sp, place[i]), known_word(sp, place[i + 1])};
    return now ^ *(const known_pair *)&x->held[i];
}

/* Whether X is where the thread is now, at X's ip and sp. */
static inline bool known_holds(const struct known *x, uintptr_t sp, uintptr_t bp)
{
    const uint16_t *place = known_places(x);
    known_pair changed = {0};
    size_t i = x->words;
    do {
        i -= KNOWN_GROUP;
        _Static_assert(KNOWN_GROUP == 4, "two pairs");
        changed |= known_changed(x, place, i, sp) | known_changed(x, place, i + 2, sp);
    } while (i != 0);
    return likely((changed[0] | changed[1]) == 0) && (likely(!x->uses_bp) || x->bp == bp);
}

static inline size_t known_heads_start(const struct known_table *t, uintptr_t ip, uintptr_t sp)
{
    return (ip ^ sp << 12) * 0x9e3779b97f4a7c15u >> (t->heads_shift % 64);
}

/* The next head of (IP, SP) from *AT on, which is advanced behind it; or an empty one for it. */
static inline struct known_head *known_head(const struct known_table *t, uintptr_t ip, uintptr_t sp,
                                            size_t *at)
{
    const size_t mask = SIZE_MAX >> (t->heads_shift % 64);
    for (;;) {
        struct known_head *head = &t->heads[*at];
        *at = (*at + 1) & mask;
        if (likely((head->ip == ip && head->sp == sp) || head->ip == 0)) {
            return head;
        }
    }
}

/* The edge with TAG from place I on, or an empty one for it. */
struct known_edge *known_edge_from(const struct known_table *t, size_t i, uint32_t tag);

/* Where the edge from node ID along WORD is looked for first. TAG: what its tag is. */
static inline struct known_edge *known_edge_first(const struct known_table *t, uint32_t id,
                                                  uintptr_t word, uint32_t *tag)
{
    const uint64_t hash = (word ^ id * 0x9fb21c651e98df25u) * 0x9e3779b97f4a7c15u;
    *tag = (uint32_t)hash | 1;
    return &t->edges[hash >> (t->edges_shift % 64)];
}

/* That edge, or an empty one for it. */
static inline struct known_edge *known_edge(const struct known_table *t, uint32_t id,
                                            uintptr_t word, uint32_t *tag)
{
    struct known_edge *edge = known_edge_first(t, id, word, tag);
    return likely(edge->tag == *tag) ? edge : known_edge_from(t, (size_t)(edge - t->edges), *tag);
}

/* EDGE as one number: its tag in the low half (all our processors are little-endian). */
static inline uint64_t known_edge_whole(const struct known_edge *edge)
{
    uint64_t whole;
    memcpy(&whole, edge, sizeof whole);
    return whole;
}

/* The word at SP that node ID looks at. */
static inline uintptr_t known_node_word(uint32_t id, uintptr_t sp)
{
    return known_word(sp, (uint16_t)(id >> KNOWN_PLACE_SHIFT));
}

/* As knowns_find, wherever the stack is. */
const struct known *knowns_find_any(const struct knowns *k, uintptr_t ip, uintptr_t sp,
                                    uintptr_t bp);

/* The same, behind the first of the heads, which is of (IP, SP): see known_not_there. */
const struct known *knowns_find_behind(const struct knowns *k, uintptr_t ip, uintptr_t sp,
                                       uintptr_t bp);

/* Returned for a stack that is not among those of the head that is looked at first, though that is
 * of its (IP, SP): as a rule there is no other. It is of no function. */
extern const struct known known_not_there __attribute__((visibility("hidden")));

static inline void known_fetch(const struct known *x)
{
    __builtin_prefetch(x);
    __builtin_prefetch((const char *)x + 64);
    __builtin_prefetch((const char *)x + 128);
    __builtin_prefetch((const char *)x + 192);
}

static inline void known_fetch_shard(const struct known *x)
{
    __builtin_prefetch(x->shard);
    __builtin_prefetch((const char *)x->shard + 64);
}

/* X was found. */
static inline void known_go_on(struct known_table *t, struct known *x)
{
    t->last = x;
    t->expected = (struct known *)(void *)((char *)x + x->after);
    known_fetch(t->expected);
}

/* X was found after LAST, of the same table, where it was not expected. */
static inline void known_learn(struct known *last, const struct known *x)
{
    if (last->sure > 0) {
        last->sure--;
    } else {
        last->after = (int32_t)((uintptr_t)x - (uintptr_t)last);
    }
}

/* The stack that the thread is in at (IP, SP, BP), if it is where it is looked for first; or
 * &known_not_there, or NULL. Some stack has been entered. Calls nothing. */
static inline __attribute__((always_inline)) const struct known *
knowns_find_first(struct knowns *k, uintptr_t ip, uintptr_t sp, uintptr_t bp)
{
    struct known_table *t = k->table;
    struct known *x = t->expected;
    if (((x->ip ^ ip) | (x->sp ^ sp)) == 0) {
        known_fetch_shard(x);
        if (likely(known_holds(x, sp, bp))) {
            t->last->sure = KNOWN_SURE;
            known_go_on(t, x);
            return x;
        }
    }
    const struct known_head *head = &t->heads[known_heads_start(t, ip, sp)];
    if (unlikely(head->ip != ip) || unlikely(head->sp != sp)) {
        return NULL;
    }
    uint32_t id = head->to;
    while (!(id & KNOWN_STACK)) {
        uint32_t tag;
        const struct known_edge *edge = known_edge_first(t, id, known_node_word(id, sp), &tag);
        const uint64_t here = known_edge_whole(edge), beside = known_edge_whole(edge + 1);
        const uint64_t found = (uint32_t)here == tag ? here : beside;
        if (unlikely((uint32_t)found != tag)) {
            return edge->tag == 0 ? &known_not_there : NULL;
        }
        id = (uint32_t)(found >> 32);
    }
    x = known_at(t, id);
    known_fetch_shard(x);
    if (unlikely(!known_holds(x, sp, bp))) {
        return x->next ? NULL : &known_not_there;
    }
    known_learn(t->last, x);
    known_go_on(t, x);
    return x;
}

/* The stack, or NULL, where knowns_find_first returned X. */
static inline const struct known *knowns_find_on(const struct knowns *k, uintptr_t ip, uintptr_t sp,
                                                 uintptr_t bp, const struct known *x)
{
    if (likely(x != NULL) && likely(x != &known_not_there)) {
        return x;
    }
    if (x) {
        return knowns_find_behind(k, ip, sp, bp);
    }
    return k->table ? knowns_find_any(k, ip, sp, bp) : NULL;
}

/* The same, wherever it is. */
static inline const struct known *knowns_find(struct knowns *k, uintptr_t ip, uintptr_t sp,
                                              uintptr_t bp)
{
    const struct known *x = k->table ? knowns_find_first(k, ip, sp, bp) : NULL;
    return knowns_find_on(k, ip, sp, bp, x);
}

#endif
