/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <errno.h>
#include <string.h>

#include "arch.h"

#define WORD sizeof(uintptr_t)
#define PAGE ((uintptr_t)4096)

/* Stacks are known down to the outermost frame, so more frames than are told must fit. */
#define MIN_SIZE ((size_t)2048)

/* A walk in progress. */
struct walk {
    uintptr_t ip, sp, bp;
    uintptr_t low, high; /* the words that may be read */
    bool foreign;        /* these bounds are probed page by page */
    bool return_address;
};

static size_t size_for(size_t max)
{
    return max < MIN_SIZE ? MIN_SIZE : max;
}

size_t stack_memory(size_t max)
{
    return traces_memory() + (size_for(max) + 1) * sizeof(struct trace_step) +
           (max + 1) * sizeof(uintptr_t);
}

/* The hash of frames 0 .. n-1 is the sum of value(ip[i]) * FACTOR^(n-1-i), so it can be extended
 * by an inner frame, and what is beyond a limit be taken out of it. */
#define FACTOR ((uint64_t)0x9fb21c651e98df25u)

static inline uint64_t value_of(uintptr_t ip)
{
    uint64_t v = ip * 0x9e3779b97f4a7c15u;
    return v ^ v >> 32;
}

static inline uint64_t extend_hash(uint64_t outer, uintptr_t ip)
{
    return outer * FACTOR + value_of(ip);
}

void stack_init(struct stack *s, size_t max, void *memory)
{
    memset(s, 0, sizeof *s);
    s->max = max;
    s->size = size_for(max);
    traces_init(&s->traces, memory);
    s->step = (struct trace_step *)((char *)memory + traces_memory());
    s->flat = (uintptr_t *)(s->step + s->size + 1);
    s->cut_power = 1;
    for (size_t i = 0; i < max; i++) {
        s->cut_power *= FACTOR;
    }
}

/* Sets the walk's bounds to the stack that its sp is on. */
static inline void walk_bounds(struct walk *w, struct stack *s)
{
    if (likely(stack_is_own(s, w->sp))) {
        w->low = w->sp;
        w->high = s->high;
        w->foreign = false;
    } else {
        w->low = w->high = w->sp & ~(PAGE - 1);
        w->foreign = true;
    }
}

/* On a foreign stack the bounds grow upward by pages that have been probed. */
static __attribute__((noinline)) bool extend_foreign(struct walk *w, uintptr_t address)
{
    if (!w->foreign || address < w->low || address > UINTPTR_MAX - WORD ||
        address + WORD - w->high > 64 * PAGE) {
        return false;
    }
    while (w->high < address + WORD) {
        if (!sys_readable(w->high)) {
            return false;
        }
        w->high += PAGE;
    }
    return true;
}

/* Whether the word at ADDRESS is on this stack. */
static inline bool walk_may_read(struct walk *w, uintptr_t address)
{
    return likely(address >= w->low && address < w->high && w->high - address >= WORD) ||
           extend_foreign(w, address);
}

static bool step_signal(struct walk *w, struct stack *s)
{
    uintptr_t frame = w->sp;
    if (!walk_may_read(w, frame + ARCH_SIGNAL_IP) || !walk_may_read(w, frame + ARCH_SIGNAL_SP) ||
        !walk_may_read(w, frame + ARCH_SIGNAL_BP)) {
        return false;
    }
    w->ip = trace_load(frame + ARCH_SIGNAL_IP);
    w->sp = trace_load(frame + ARCH_SIGNAL_SP);
    w->bp = trace_load(frame + ARCH_SIGNAL_BP);
    w->return_address = false;
    walk_bounds(w, s); /* the handler may have run on an alternate stack */
    return true;
}

/* The step outward by STEP's rule; tells in STEP what was read. Returns false where the frame's
 * words are not what a stack holds. */
static inline __attribute__((always_inline)) bool walk_step(struct walk *w, struct trace_step *step)
{
    const struct rule rule = step->rule;
    const enum rule_kind kind = rule_kind(rule);
    uintptr_t cfa, bp_at = 0, load_at = 0;
    if (likely(kind == RULE_SP)) {
        cfa = w->sp;
    } else if (kind == RULE_BP) {
        cfa = w->bp;
    } else {
        load_at = (kind == RULE_LOAD_BP ? w->bp : w->sp) + (uintptr_t)rule_load(rule);
        if (!walk_may_read(w, load_at)) {
            return false;
        }
        cfa = step->load = trace_load(load_at);
    }
    cfa += (uintptr_t)rule_cfa(rule);
    const uintptr_t at = cfa + (uintptr_t)rule_return(rule);
    /* Outward is upward; a frame holds at least its return address. */
    if (unlikely(cfa <= w->sp || !walk_may_read(w, at))) {
        return false;
    }
    if (!rule_same_bp(rule)) {
        bp_at = (rule_bp(rule) == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)rule_bp_at(rule);
        if (unlikely(!walk_may_read(w, bp_at))) {
            return false;
        }
        w->bp = trace_load(bp_at);
    }
    step->at = at;
    step->bp_at = bp_at;
    step->load_at = load_at;
    w->ip = arch_return_address(trace_load(at));
    w->sp = cfa;
    w->return_address = true;
    return true;
}

/* libunwind's own walk, for a stack with a frame that has no simple rule. */
static __attribute__((noinline, cold)) void walk_complex(struct stack *s, struct rules *rules,
                                                         const struct stack_start *start)
{
    bool own = start->sp - s->low < s->high - s->low;
    int saved = errno;
    bool cut = false;
    s->n =
        unwinder_walk(rules->unwinder, start->sp, own ? s->high : start->sp, s->flat, s->max, &cut);
    errno = saved;
    s->flags |= STACK_WALKED | (cut ? STACK_TRUNCATED : 0);
    if (s->n == 0) {
        s->flat[0] = start->ip;
        s->n = 1;
        s->flags |= STACK_TRUNCATED;
    } else if (s->n > s->max) {
        s->n = s->max;
        s->flags |= STACK_TRUNCATED;
    }
}

/* Goes from frame X, which W is in and which is the N-th, outward to frame CHANGE, by steps that
 * are known and hold. Returns how many frames that is. */
static size_t pass_known(struct stack *s, size_t n, struct walk *w, const struct trace_miss *miss)
{
    size_t passed = 0;
    const struct trace *outer;
    for (const struct trace *x = miss->x; x != miss->change && n + passed < s->size; x = outer) {
        struct trace_step *step = &s->step[n + passed++];
        outer = trace_outer(&s->traces, x);
        step->at = x->at[0];
        step->bp_at = x->bp_at ? x->at[0] + (uintptr_t)x->bp_at * WORD : 0;
        step->load_at = x->loads ? x->at[x->words - 1] : 0;
        step->load = x->loads ? x->held[x->words - 1] : 0;
        step->rule.bits = (uint64_t)x->rule_bits << RULE_USES_BP_SHIFT;
        w->ip = arch_return_address(x->held[0]);
        w->sp = outer->sp;
        /* What bp holds is not known where nobody needed it: somebody further out may now. */
        w->bp = step->bp_at ? trace_load(step->bp_at) : w->bp;
        step[1].ip = w->ip;
        step[1].sp = w->sp;
        step[1].bp = w->bp;
        step[1].slot[0] = step[1].slot[1] = NULL;
    }
    return passed;
}

enum walk_end {
    WALK_KNOWN,  /* came to a known frame, s->known, or to the outermost: s->known is NULL */
    WALK_FOREIGN /* went where frames cannot be kept, or could not go on; or was left to libunwind
                  */
};

/* Walks outward from W's frame. Sets s->fresh to how many frames that is. */
static enum walk_end walk_out(struct stack *s, struct rules *rules, const struct stack_start *start,
                              struct walk *w, struct trace_miss miss)
{
    size_t n = 0;
    for (;; n++) {
        struct trace_step *step = &s->step[n];
        step->ip = w->ip;
        step->sp = w->sp;
        step->bp = w->bp;
        step->slot[0] = step->slot[1] = NULL;
        if (likely(!(s->flags & (STACK_SIGNAL | STACK_FOREIGN)))) {
            if (n > 0) {
                s->known = traces_find(&s->traces, w->ip, w->sp, w->bp, &miss);
            }
            if (s->known) {
                s->fresh = n;
                return WALK_KNOWN;
            }
            step->slot[0] = miss.slot[0];
            step->slot[1] = miss.slot[1];
            if (miss.x) {
                n += pass_known(s, n, w, &miss);
                step = &s->step[n];
            }
        }
        s->fresh = n + 1;
        if (unlikely(n == s->size)) {
            return WALK_FOREIGN;
        }
        step->rule = rules_get(rules, w->ip, w->return_address, s->generation);
        bool stepped = false;
        if (likely(rule_kind(step->rule) < RULE_SIGNAL)) {
            stepped = walk_step(w, step);
        } else if (rule_kind(step->rule) == RULE_END) {
            step->at = step->bp_at = step->load_at = 0;
            return s->flags & (STACK_SIGNAL | STACK_FOREIGN) ? WALK_FOREIGN : WALK_KNOWN;
        } else if (rule_kind(step->rule) == RULE_SIGNAL) {
            s->flags |= STACK_SIGNAL;
            stepped = step_signal(w, s);
        } else {
            walk_complex(s, rules, start);
            return WALK_FOREIGN;
        }
        if (unlikely(!stepped || !rules_plausible(w->ip))) {
            s->flags |= stepped && w->ip == 0 ? 0 : STACK_TRUNCATED;
            return WALK_FOREIGN;
        }
        s->flags |= w->foreign ? STACK_FOREIGN : 0;
        s->stepped++;
    }
}

/* Enters the fresh frames, from the outermost inward. */
static void keep(struct stack *s)
{
    uint64_t hash = s->known ? s->known->hash : 0;
    size_t i = s->fresh;
    while (i > 0) {
        i--;
        hash = extend_hash(hash, s->step[i].ip);
        struct trace *x = traces_enter(&s->traces, &s->step[i], s->known, hash);
        if (unlikely(!x)) {
            i++;
            hash = s->known ? s->known->hash : 0;
            break;
        }
        for (int k = 0; k < 2; k++) {
            if (s->step[i].slot[k]) {
                *s->step[i].slot[k] = (uint32_t)(x - s->traces.trace);
            }
        }
        s->known = x;
    }
    s->fresh = i;
    while (i-- > 0) {
        hash = extend_hash(hash, s->step[i].ip);
    }
    s->hash = hash;
    s->trace = s->fresh == 0 ? s->known : NULL;
}

/* A walk that keeps nothing: only return addresses, each a few instructions. Returns false where
 * it takes more than that. */
static bool walk_plainly(struct stack *s, struct rules *rules, struct walk w)
{
    struct trace_step step;
    for (size_t n = 0; n < s->max; n++) {
        s->flat[n] = w.ip;
        step.rule = rules_get(rules, w.ip, true, s->generation);
        if (rule_kind(step.rule) == RULE_END) {
            s->n = n + 1;
            s->flags = STACK_WALKED;
            return true;
        }
        if (unlikely(rule_kind(step.rule) >= RULE_SIGNAL) || unlikely(!walk_step(&w, &step)) ||
            unlikely(!rules_plausible(w.ip))) {
            return false;
        }
    }
    return false;
}

/* Where the outermost frames change from call to call, or each stack is a new one, keeping them
 * costs more than it saves. That shows when room for many frames is used up by few captures. Then
 * stacks are walked plainly for a while, before it is tried again. */
#define PLAIN_FROM ((uint32_t)4096)
#define PLAIN_RATIO 2
#define PLAIN_TIMES ((uint64_t)1 << 18)

static void make_room(struct stack *s)
{
    const uint64_t now = s->events ? atomic_load_explicit(s->events, memory_order_relaxed) : 0;
    const uint64_t captures = now - s->events_before;
    if (s->events && s->traces.limit >= PLAIN_FROM && captures < PLAIN_RATIO * s->traces.limit) {
        traces_forget(&s->traces);
        s->plain = PLAIN_TIMES;
    } else {
        traces_grow(&s->traces);
    }
    s->events_before = now;
}

void stack_walk(struct stack *s, struct rules *rules, uint32_t generation,
                const struct stack_start *start, const struct trace_miss *miss)
{
    const struct trace_miss none = {0};
    struct walk w = {.ip = start->ip, .sp = start->sp, .bp = start->bp, .return_address = true};
    s->flags = 0;
    s->trace = s->known = NULL;
    if (unlikely(s->generation != generation)) {
        traces_forget(&s->traces);
        s->generation = generation;
        miss = &none;
    } else if (unlikely(s->traces.used == s->traces.limit)) {
        make_room(s);
        miss = &none;
    }
    if (unlikely(!rules || !rules_plausible(start->ip))) {
        s->step[0].ip = start->ip;
        s->fresh = 1;
        s->flags = STACK_TRUNCATED;
        return;
    }
    walk_bounds(&w, s);
    if (unlikely(s->plain > 0) && !w.foreign) {
        s->plain--;
        if (likely(walk_plainly(s, rules, w))) {
            return;
        }
    }
    s->flags = w.foreign ? STACK_FOREIGN : 0;
    if (likely(walk_out(s, rules, start, &w, *miss) == WALK_KNOWN)) {
        s->flags |= STACK_KEPT;
        keep(s);
    }
}

void stack_frames(struct stack *s)
{
    if (s->trace) {
        s->flags = STACK_KEPT;
        s->fresh = 0;
        s->known = s->trace;
    }
    s->ip = s->flat;
    if (s->flags & STACK_WALKED) {
        return;
    }
    s->n = s->fresh < s->max ? s->fresh : s->max;
    for (size_t i = 0; i < s->n; i++) {
        s->flat[i] = s->step[i].ip;
    }
    const struct trace *x = s->known;
    for (; x && s->n < s->max; x = trace_outer(&s->traces, x)) {
        s->flat[s->n++] = x->ip;
    }
    if (s->fresh > s->max || x) {
        s->flags |= STACK_TRUNCATED;
    }
}

void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start)
{
    stack_find(s, rules, generation, start);
    stack_frames(s);
}

/* The hash of what lies beyond the first `max` frames. */
static uint64_t hash_beyond(const struct stack *s, const struct trace *x, size_t fresh)
{
    for (size_t n = fresh; x && n < s->max; n++) {
        x = trace_outer(&s->traces, x);
    }
    return x ? x->hash : 0;
}

/* Without known frames, or so many in front of them that none of those is told. */
static uint64_t hash_all(const struct stack *s)
{
    bool flat = s->flags & STACK_WALKED;
    size_t n = flat ? s->n : s->fresh;
    uint64_t h = 0;
    for (size_t i = n < s->max ? n : s->max; i-- > 0;) {
        h = extend_hash(h, flat ? s->flat[i] : s->step[i].ip);
    }
    return h;
}

uint64_t stack_hash(const struct stack *s, uint64_t seed)
{
    const struct trace *known = s->trace ? s->trace : s->known;
    const size_t fresh = s->trace ? 0 : s->fresh;
    uint64_t h;
    if (unlikely(!s->trace && (!(s->flags & STACK_KEPT) || fresh > s->max))) {
        h = hash_all(s);
    } else {
        h = s->trace ? known->hash : s->hash;
        if (unlikely(fresh + (known ? known->depth : 0) > s->max)) {
            h -= hash_beyond(s, known, fresh) * s->cut_power;
        }
    }
    h = (h ^ seed) * FACTOR;
    h ^= h >> 32;
    return h ? h : 1;
}
