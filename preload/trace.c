/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <string.h>

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* Words that are gathered to tell stacks of one layout apart. */
#define GATHERED (6 * TRACE_WORDS)
#define NEAR_BITS 26

/* Places in `by_layout`. What is on the stack at one frame's places may be anything where another
 * is laid out differently, so there are more of these than frames. */
#define MORE_LAYOUTS 2 /* as a power of two */
#define LAYOUTS ((size_t)TRACES_MAX << MORE_LAYOUTS)
#define INDEXES (2 * (size_t)TRACES_MAX + LAYOUTS)

#define WORD sizeof(uintptr_t)

size_t traces_memory(void)
{
    return (TRACES_MAX + 1) * sizeof(struct trace) + INDEXES * sizeof(uint32_t);
}

void traces_init(struct traces *t, void *memory)
{
    *t = (struct traces){.trace = memory};
    t->recent = (uint32_t *)(t->trace + TRACES_MAX + 1);
    t->by_layout = t->recent + TRACES_MAX;
    t->known = t->by_layout + LAYOUTS;
    t->limit = (uint32_t)1 << TRACES_FIRST_BITS;
    t->shift = 64 - TRACES_FIRST_BITS;
}

/* HASH and what the stack holds at the places of the words at X. */
static inline uint64_t hash_words(uint64_t hash, const struct trace *x)
{
    /* A sum, so that the loads and products need not wait for each other. Words far from what was
     * there before are data where a stack is laid out differently: of no use. */
    uint64_t sum = 0;
    for (int i = 0; i < TRACE_WORDS; i++) {
        uintptr_t word = trace_load(x->at[i]);
        bool near = arch_return_address(word ^ x->held[i]) >> NEAR_BITS == 0;
        sum += ((near ? word : 0) + (uint64_t)i) * (0x9fb21c651e98df25u + 2 * (uint64_t)i);
    }
    hash = (hash ^ sum) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static inline uint32_t *layout_slot(const struct traces *t, uint64_t hash)
{
    return &t->by_layout[hash * 0x9e3779b97f4a7c15u >> (t->shift - MORE_LAYOUTS)];
}

/* The frame in *SLOT, if it is one of (X->ip, X->sp, BP) from which all steps hold. */
static inline struct trace *try_slot(const struct traces *t, uint32_t *slot, const struct trace *x,
                                     uintptr_t bp, struct trace_miss *miss)
{
    struct trace *y = traces_at(t, *slot);
    if (!y || y->ip != x->ip || y->sp != x->sp || (y->uses_bp && y->bp != bp)) {
        return NULL;
    }
    struct trace *change = trace_change(t, y);
    if (change) {
        miss->x = y;
        miss->change = change;
        return NULL;
    }
    return y;
}

/* By the next few words first, which is enough most of the time. */
struct trace *traces_find_by_layout(const struct traces *t, struct trace *x, uintptr_t bp,
                                    struct trace_miss *miss)
{
    uint64_t hash = hash_words(x->ip ^ x->sp << 12, x);
    miss->slot[0] = layout_slot(t, hash);
    struct trace *y = try_slot(t, miss->slot[0], x, bp, miss);
    if (y) {
        return y;
    }
    const struct trace *far = x->far;
    for (int n = TRACE_WORDS; far && n < GATHERED; n += TRACE_WORDS, far = far->far) {
        hash = hash_words(hash, far);
    }
    miss->slot[1] = layout_slot(t, hash + 1);
    y = try_slot(t, miss->slot[1], x, bp, miss);
    if (y) {
        *miss->slot[0] = (uint32_t)(y - t->trace);
    }
    return y;
}

static bool same(const struct trace *x, const struct trace_step *step, uint32_t outer)
{
    if (x->ip != step->ip || x->sp != step->sp || x->outer != outer ||
        (x->uses_bp && x->bp != step->bp)) {
        return false;
    }
    if (!outer) {
        return true;
    }
    size_t last = x->words - 1u;
    uintptr_t bp_at = x->bp_at ? x->at[0] + (uintptr_t)x->bp_at * WORD : 0;
    return x->at[0] == step->at && bp_at == step->bp_at && x->loads == (step->load_at != 0) &&
           (!ARCH_SIGNS_RETURNS || x->held[0] == trace_load(step->at)) &&
           (!x->loads || (x->at[last] == step->load_at && x->held[last] == step->load));
}

static void add_word(struct trace *x, unsigned *n, uintptr_t at, uintptr_t held)
{
    x->at[*n] = at;
    x->held[(*n)++] = held;
}

/* The words of X's step, and of the steps further out as far as they fit. */
static void set_words(const struct traces *t, struct trace *x, const struct trace_step *step)
{
    unsigned n = 0;
    struct trace *far = trace_outer(t, x);
    if (far) {
        add_word(x, &n, step->at, trace_return_word(step->at, far->ip));
        if (far->uses_bp && step->bp_at) {
            add_word(x, &n, step->bp_at, far->bp);
        }
        if (step->load_at) {
            add_word(x, &n, step->load_at, step->load);
        }
    }
    x->words = n & 3;
    for (; far && n + far->words <= TRACE_WORDS; far = trace_outer(t, far)) {
        for (unsigned i = 0; i < far->words; i++) {
            add_word(x, &n, far->at[i], far->held[i]);
        }
    }
    x->far = far;
    while (n < TRACE_WORDS) {
        add_word(x, &n, (uintptr_t)&x->held[n], 0);
    }
}

/* Where STEP found the outer frame's bp, as it is kept. Returns false if it cannot be: too far
 * away, or where only garbage leads. */
static bool bp_place(const struct trace_step *step, int16_t *bp_at)
{
    const intptr_t bytes = step->bp_at ? (intptr_t)(step->bp_at - step->at) : 0;
    *bp_at = (int16_t)(bytes / (intptr_t)WORD);
    return *bp_at * (intptr_t)WORD == bytes && (*bp_at == 0) == (step->bp_at == 0);
}

struct trace *traces_enter(struct traces *t, const struct trace_step *step,
                           const struct trace *outer, uint64_t hash)
{
    const uint32_t outer_id = outer ? (uint32_t)(outer - t->trace) : 0;
    uint32_t *bucket = &t->known[traces_key(t, step->ip, outer_id)];
    for (struct trace *x = traces_at(t, *bucket); x; x = traces_at(t, x->next)) {
        if (same(x, step, outer_id)) {
            return x;
        }
    }
    int16_t bp_at;
    if (t->used == t->limit || !bp_place(step, &bp_at)) {
        return NULL;
    }
    uint32_t id = ++t->used;
    struct trace *x = &t->trace[id];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an element of an array is not NULL */
    *x = (struct trace){
        .ip = step->ip,
        .sp = step->sp,
        .bp = step->bp,
        .hash = hash,
        .outer = outer_id,
        .next = *bucket,
        .depth = outer ? outer->depth + 1 : 1,
        .bp_at = bp_at,
        .loads = step->load_at != 0,
        .uses_bp =
            rule_uses_bp(step->rule) || (outer && outer->uses_bp && rule_same_bp(step->rule)),
        .rule_bits = step->rule.bits >> RULE_USES_BP_SHIFT & 3,
    };
    set_words(t, x, step);
    COMPILER_BARRIER(); /* a handler may leave here by longjmp: whole before it can be found */
    *bucket = id;
    uint32_t *recent = traces_recent(t, x->ip, x->sp);
    if (*recent == 0) {
        *recent = id;
    }
    return x;
}

void traces_forget(struct traces *t)
{
    if (t->used == 0) {
        return; /* pages that a thread has not touched yet are not taken up */
    }
    memset(t->recent, 0, t->limit * sizeof *t->recent);
    memset(t->by_layout, 0, ((size_t)t->limit << MORE_LAYOUTS) * sizeof *t->by_layout);
    memset(t->known, 0, t->limit * sizeof *t->known);
    COMPILER_BARRIER(); /* none is found any more before the first is used anew */
    t->used = 0;
}

void traces_grow(struct traces *t)
{
    traces_forget(t);
    if (t->limit < TRACES_MAX) {
        t->limit *= 2;
        t->shift--;
    }
}
