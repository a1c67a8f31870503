/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <errno.h>

#include "arch.h"

#define WORD sizeof(uintptr_t)
#define PAGE ((uintptr_t)4096)

/* A walk in progress. */
struct walk {
    uintptr_t ip, sp, bp;
    uintptr_t low, high; /* the words that may be read */
    bool foreign;        /* these bounds are probed page by page */
    bool return_address;
};

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

static inline void walk_begin(struct walk *w, struct stack *s, const struct stack_start *start)
{
    *w = (struct walk){.ip = start->ip, .sp = start->sp, .bp = start->bp, .return_address = true};
    walk_bounds(w, s);
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

/* Whether all of this walk is on the thread's own stack, which has words. */
static inline bool walk_is_own(const struct walk *w)
{
    return !w->foreign && w->high - w->low >= WORD;
}

/* Whether the word at ADDRESS is on this stack. OWN: walk_is_own. */
static inline bool walk_may_read(struct walk *w, uintptr_t address, const bool own)
{
    if (own) {
        return address - w->low <= w->high - w->low - WORD;
    }
    return likely(address >= w->low && address < w->high && w->high - address >= WORD) ||
           extend_foreign(w, address);
}

static bool step_signal(struct walk *w, struct stack *s)
{
    uintptr_t frame = w->sp;
    if (!walk_may_read(w, frame + ARCH_SIGNAL_IP, false) ||
        !walk_may_read(w, frame + ARCH_SIGNAL_SP, false) ||
        !walk_may_read(w, frame + ARCH_SIGNAL_BP, false)) {
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
 * words are not what a stack holds. OWN: walk_is_own. */
static inline __attribute__((always_inline)) bool walk_step(struct walk *w, struct trace_step *step,
                                                            const bool own)
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
        if (!walk_may_read(w, load_at, own)) {
            return false;
        }
        cfa = step->load = trace_load(load_at);
    }
    cfa += (uintptr_t)rule_cfa(rule);
    const uintptr_t at = cfa + (uintptr_t)rule_return(rule);
    /* Outward is upward; a frame holds at least its return address. */
    if (unlikely(cfa <= w->sp || !walk_may_read(w, at, own))) {
        return false;
    }
    if (!rule_same_bp(rule)) {
        bp_at = (rule_bp(rule) == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)rule_bp_at(rule);
        if (unlikely(!walk_may_read(w, bp_at, own))) {
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
    }
    return passed;
}

bool walk_out(struct stack *s, struct rules *rules, const struct stack_start *start,
              const struct trace_miss *known)
{
    struct walk walk, *w = &walk;
    struct trace_miss miss = *known;
    walk_begin(w, s, start);
    s->flags = w->foreign ? STACK_FOREIGN : 0;
    size_t n = 0;
    for (;; n++) {
        struct trace_step *step = &s->step[n];
        step->ip = w->ip;
        step->sp = w->sp;
        step->bp = w->bp;
        if (likely(!(s->flags & (STACK_SIGNAL | STACK_FOREIGN)))) {
            if (n > 0) {
                s->known = traces_find(&s->traces, w->ip, w->sp, w->bp, &miss);
            }
            if (s->known) {
                s->fresh = n;
                return true;
            }
            if (miss.x) {
                n += pass_known(s, n, w, &miss);
                step = &s->step[n];
            }
        }
        s->fresh = n + 1;
        if (unlikely(n == s->size)) {
            return false;
        }
        step->rule = rules_get(rules, w->ip, w->return_address, s->generation);
        bool stepped = false;
        if (likely(rule_kind(step->rule) < RULE_SIGNAL)) {
            stepped = walk_step(w, step, false);
        } else if (rule_ends(step->rule, w->bp)) {
            step->at = step->bp_at = step->load_at = 0;
            return s->flags & (STACK_SIGNAL | STACK_FOREIGN) ? false : true;
        } else if (rule_kind(step->rule) == RULE_SIGNAL) {
            s->flags |= STACK_SIGNAL;
            stepped = step_signal(w, s);
        } else {
            walk_complex(s, rules, start);
            return false;
        }
        if (unlikely(!stepped || !rules_plausible(w->ip))) {
            s->flags |= stepped && w->ip == 0 ? 0 : STACK_TRUNCATED;
            return false;
        }
        s->flags |= w->foreign ? STACK_FOREIGN : 0;
    }
}

/* The spine has more frames than are to be told. */
static void cut(struct stack *s)
{
    for (size_t i = 0; i < s->max; i++) {
        s->flat[i] = spine_step(s->spine, s->n - 1 - i)->ip;
    }
    s->n = s->max;
    s->flags = STACK_WALKED | STACK_TRUNCATED;
}

bool walk_plainly(struct stack *s, struct rules *rules, const struct stack_start *start)
{
    struct walk w;
    walk_begin(&w, s, start);
    if (!walk_is_own(&w)) {
        return false;
    }
    struct rules_reader reader = rules_reader(rules, true, s->generation);
    struct spine_search search = spine_search(s->spine);
    struct trace_step *const first = s->step, *const end = first + s->size, *step = first;
    while (!spine_joins(s->spine, w.ip, w.sp, w.bp, &search)) {
        if (unlikely(step == end)) {
            return false;
        }
        step->ip = w.ip;
        step->sp = w.sp;
        step->bp = w.bp;
        const struct rule rule = step->rule = rules_read(&reader, w.ip);
        if (unlikely(rule_kind(rule) >= RULE_SIGNAL)) {
            if (!rule_ends(rule, w.bp)) {
                return false;
            }
            step->at = step->bp_at = step->load_at = step->load = 0;
            search.next = search.end;
            step++;
            break;
        }
        if (unlikely(!walk_step(&w, step++, true)) || unlikely(!rules_plausible(w.ip))) {
            return false;
        }
    }
    const size_t n = (size_t)(step - first), left = spine_left(&search);
    if (unlikely(!spine_extend(s->spine, left, first, n))) {
        return false;
    }
    s->n = left + n;
    s->flags = STACK_WALKED | STACK_SPINE;
    if (unlikely(s->n > s->max)) {
        cut(s);
    }
    return true;
}

size_t walk_whole(struct stack *s, struct rules *rules, const struct stack_start *start)
{
    struct walk w;
    walk_begin(&w, s, start);
    for (size_t n = 0; n < s->size && walk_is_own(&w); n++) {
        struct trace_step *step = &s->step[n];
        *step = (struct trace_step){.ip = w.ip, .sp = w.sp, .bp = w.bp};
        step->rule = rules_get(rules, w.ip, true, s->generation);
        if (rule_ends(step->rule, w.bp)) {
            return n + 1;
        }
        if (rule_kind(step->rule) >= RULE_SIGNAL || !walk_step(&w, step, true) ||
            !rules_plausible(w.ip)) {
            break;
        }
    }
    return 0;
}
