/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <string.h>

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

#define RECENT ((size_t)TRACES_MAX << TRACES_MORE_RECENT)
#define INDEXES (RECENT + TRACES_MAX)

#define WORD sizeof(uintptr_t)

size_t traces_memory(void)
{
    return (TRACES_MAX + 1) * sizeof(struct trace) + INDEXES * sizeof(uint32_t);
}

void traces_init(struct traces *t, void *memory)
{
    *t = (struct traces){.trace = memory};
    t->recent = (uint32_t *)(t->trace + TRACES_MAX + 1);
    t->known = t->recent + RECENT;
    t->limit = (uint32_t)1 << TRACES_FIRST_BITS;
    t->shift = 64 - TRACES_FIRST_BITS;
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
    uint32_t *bucket = &t->known[traces_hash(step->ip, outer_id) >> t->shift];
    for (struct trace *x = traces_at(t, *bucket); x; x = traces_at(t, x->next)) {
        if (same(x, step, outer_id)) {
            *traces_recent(t, x->ip, x->sp) = (uint32_t)(x - t->trace);
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
    *traces_recent(t, x->ip, x->sp) = id;
    return x;
}

void traces_forget(struct traces *t)
{
    if (t->used == 0) {
        return; /* pages that a thread has not touched yet are not taken up */
    }
    memset(t->recent, 0, ((size_t)t->limit << TRACES_MORE_RECENT) * sizeof *t->recent);
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
