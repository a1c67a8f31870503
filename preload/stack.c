/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <string.h>

#define WORD sizeof(uintptr_t)
#define PAGE ((uintptr_t)4096)

#if defined(__x86_64__)
/* A signal frame at sp: ucontext, whose saved registers are at fixed offsets (the kernel's
 * struct rt_sigframe; offsets of REG_RBP, REG_RSP, REG_RIP in ucontext_t.uc_mcontext). */
enum { SIGNAL_BP = 120, SIGNAL_SP = 160, SIGNAL_IP = 168 };
#else
/* struct rt_sigframe: siginfo (128 bytes), ucontext; regs[29], sp, pc in uc_mcontext. */
enum {
    SIGNAL_BP = 128 + 184 + 29 * 8,
    SIGNAL_SP = 128 + 184 + 31 * 8,
    SIGNAL_IP = 128 + 184 + 256
};
#endif

/* Traces are kept down to the outermost frame, so more frames than are told must fit. */
#define MIN_SIZE ((size_t)2048)

/* Flags of a kept frame. */
enum {
    BP_LIVE = 1, /* a step from here outward depends on its bp */
    CHECK = 2,   /* what led here is more than a return address: look at `rest` */
};

/* Words of the stack are read wherever a rule says they are; garbage may be anywhere. */
typedef uintptr_t stack_word __attribute__((aligned(1), may_alias));

static inline uintptr_t load_word(uintptr_t address)
{
    return *(const stack_word *)address;
}

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
    const size_t frame = 3 * sizeof(uintptr_t) + sizeof(uint64_t) + sizeof(struct stack_rest) + 1;
    /* One more of each for the sentinel; a word to keep the rest aligned after the flags. */
    return (size_for(max) + 1) * (2 * frame + sizeof(struct rule)) + 2 * WORD;
}

static char *place_frames(struct stack_frames *f, size_t n, char *next)
{
    f->ip = (uintptr_t *)next;
    f->at = f->ip + n;
    f->sp = f->at + n;
    f->hash = (uint64_t *)(f->sp + n);
    f->rest = (struct stack_rest *)(f->hash + n);
    f->flags = (uint8_t *)(f->rest + n);
    return (char *)(((uintptr_t)(f->flags + n) + WORD - 1) & ~(WORD - 1));
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
    char *next = place_frames(&s->kept, s->size + 1, memory);
    s->rule = (struct rule *)place_frames(&s->fresh, s->size + 1, next);
    s->kept.sp[s->size] = UINTPTR_MAX;
    s->first = s->size;
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
    if (!walk_may_read(w, frame + SIGNAL_IP) || !walk_may_read(w, frame + SIGNAL_SP) ||
        !walk_may_read(w, frame + SIGNAL_BP)) {
        return false;
    }
    w->ip = load_word(frame + SIGNAL_IP);
    w->sp = load_word(frame + SIGNAL_SP);
    w->bp = load_word(frame + SIGNAL_BP);
    w->return_address = false;
    walk_bounds(w, s); /* the handler may have run on an alternate stack */
    return true;
}

/* One step outward by RULE; tells in AT and REST what was read. Returns false where the frame's
 * words are not what a stack holds. */
static inline bool step(struct walk *w, struct rule rule, uintptr_t *at, struct stack_rest *rest)
{
    uintptr_t cfa;
    enum rule_kind kind = rule_kind(rule);
    rest->load_at = rest->bp_at = 0;
    if (likely(kind == RULE_SP)) {
        cfa = w->sp;
    } else if (kind == RULE_BP) {
        cfa = w->bp;
    } else {
        rest->load_at = (kind == RULE_LOAD_BP ? w->bp : w->sp) + (uintptr_t)rule_load(rule);
        if (!walk_may_read(w, rest->load_at)) {
            return false;
        }
        cfa = rest->load = load_word(rest->load_at);
    }
    cfa += (uintptr_t)rule_cfa(rule);
    /* Outward is upward; a frame holds at least its return address. */
    if (unlikely(cfa <= w->sp || !walk_may_read(w, cfa - WORD))) {
        return false;
    }
    *at = cfa - WORD;
    if (!rule_same_bp(rule)) {
        rest->bp_at = (rule_bp(rule) == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)rule_bp_at(rule);
        if (unlikely(!walk_may_read(w, rest->bp_at))) {
            return false;
        }
        w->bp = load_word(rest->bp_at);
    }
    w->ip = load_word(cfa - WORD);
    w->sp = cfa;
    w->return_address = true;
    return true;
}

/* libunwind's own walk, for a stack with a frame that has no simple rule. */
static void capture_complex(struct stack *s, struct rules *rules, const struct stack_start *start)
{
    bool own = start->sp - s->low < s->high - s->low;
    size_t n =
        unwinder_walk(rules->unwinder, start->sp, own ? s->high : start->sp, s->fresh.ip, s->max);
    s->flags |= STACK_WALKED;
    if (n == 0) {
        s->fresh.ip[0] = start->ip;
        n = 1;
        s->flags |= STACK_TRUNCATED;
    }
    s->n = n;
}

static inline bool rest_holds(const struct stack_rest *rest, uint8_t flags)
{
    return !(flags & CHECK) ||
           ((!(flags & BP_LIVE) || !rest->bp_at || load_word(rest->bp_at) == rest->bp) &&
            (!rest->load_at || load_word(rest->load_at) == rest->load));
}

/* The outermost frame of the kept trace that was led to by a word which has changed; FROM if none
 * from FROM outward has. */
static inline size_t find_change(const struct stack *s, size_t from)
{
    const struct stack_frames *k = &s->kept;
    for (size_t i = s->size - 1; i > from; i--) {
        if (load_word(k->at[i]) != k->ip[i] || unlikely(!rest_holds(&k->rest[i], k->flags[i]))) {
            return i;
        }
    }
    return from;
}

/* Writes the first N fresh frames in front of frame END of the kept trace. */
static inline void keep(struct stack *s, size_t n, size_t end)
{
    struct stack_frames *k = &s->kept, *f = &s->fresh;
    uint64_t hash = 0;
    bool live = false;
    if (likely(end < s->size)) {
        hash = k->hash[end];
        live = k->flags[end] & BP_LIVE;
    }
    s->first = end - n;
    for (size_t i = n; i-- > 0;) {
        size_t to = s->first + i;
        const struct stack_rest *rest = &f->rest[i];
        live = rule_uses_bp(s->rule[i]) || (live && rule_same_bp(s->rule[i]));
        hash = extend_hash(hash, f->ip[i]);
        k->ip[to] = f->ip[i];
        k->at[to] = f->at[i];
        k->sp[to] = f->sp[i];
        k->rest[to] = *rest;
        k->hash[to] = hash;
        k->flags[to] =
            (uint8_t)((live ? BP_LIVE : 0) | ((live && rest->bp_at) || rest->load_at ? CHECK : 0));
    }
    s->flags |= STACK_KEPT;
    s->n = s->size - s->first;
}

/* The frame W is in, the N-th fresh one, is the kept frame AT: what led into it may be new. */
static inline void lead_into(struct stack *s, size_t n, size_t at)
{
    struct stack_frames *k = &s->kept;
    const struct stack_rest *rest = &s->fresh.rest[n];
    k->at[at] = s->fresh.at[n];
    k->rest[at] = *rest;
    bool live = k->flags[at] & BP_LIVE;
    k->flags[at] =
        (uint8_t)((live ? BP_LIVE : 0) | ((live && rest->bp_at) || rest->load_at ? CHECK : 0));
}

/* Walks outward from W's frame, fresh frame 0, until a frame of the kept trace, the outermost
 * frame, or where it cannot go on. Sets s->n to how many fresh frames there are. Returns the place
 * in the kept trace where they end, SIZE_MAX if they are not to be kept. */
static inline size_t walk_out(struct stack *s, struct rules *rules, const struct stack_start *start,
                              struct walk *w)
{
    const struct stack_frames *f = &s->fresh, *k = &s->kept;
    size_t n = 0, at = s->first;
    size_t usable = SIZE_MAX; /* kept frames from here outward stand on words that hold */
    for (;; n++) {
        f->ip[n] = w->ip;
        f->sp[n] = w->sp;
        f->rest[n].bp = w->bp;
        while (k->sp[at] < w->sp) {
            at++;
        }
        if (k->sp[at] == w->sp && k->ip[at] == w->ip && at >= n &&
            (!(k->flags[at] & BP_LIVE) || k->rest[at].bp == w->bp) &&
            likely(!(s->flags & (STACK_SIGNAL | STACK_FOREIGN)))) {
            if (usable == SIZE_MAX) {
                usable = find_change(s, at);
                s->verified += s->size - 1 - usable;
            }
            if (at >= usable) {
                s->n = n;
                if (n > 0) {
                    lead_into(s, n, at);
                }
                return at;
            }
        }
        if (unlikely(n + 1 > s->size)) {
            s->n = n + 1;
            return SIZE_MAX;
        }
        const struct rule rule = rules_get(rules, w->ip, w->return_address, s->generation);
        bool stepped = false;
        s->rule[n] = rule;
        if (likely(rule_kind(rule) < RULE_SIGNAL)) {
            stepped = step(w, rule, &f->at[n + 1], &f->rest[n + 1]);
        } else if (rule_kind(rule) == RULE_END) {
            s->n = n + 1;
            return s->flags & (STACK_SIGNAL | STACK_FOREIGN) ? SIZE_MAX : s->size;
        } else if (rule_kind(rule) == RULE_SIGNAL) {
            s->flags |= STACK_SIGNAL;
            f->at[n + 1] = w->sp + SIGNAL_IP;
            stepped = step_signal(w, s);
        } else {
            capture_complex(s, rules, start);
            return SIZE_MAX;
        }
        if (unlikely(!stepped || !rules_plausible(w->ip))) {
            s->flags |= stepped && w->ip == 0 ? 0 : STACK_TRUNCATED;
            s->n = n + 1;
            return SIZE_MAX;
        }
        s->flags |= w->foreign ? STACK_FOREIGN : 0;
        s->stepped++;
    }
}

void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start)
{
    struct walk w = {.ip = start->ip, .sp = start->sp, .bp = start->bp, .return_address = true};
    s->flags = 0;
    if (unlikely(s->generation != generation)) {
        s->generation = generation;
        s->first = s->size;
    }
    s->fresh.at[0] = 0;
    s->fresh.rest[0] = (struct stack_rest){0};
    size_t end = SIZE_MAX;
    if (likely(rules != NULL && rules_plausible(start->ip))) {
        walk_bounds(&w, s);
        s->flags = w.foreign ? STACK_FOREIGN : 0;
        end = walk_out(s, rules, start, &w);
    } else {
        s->fresh.ip[0] = start->ip;
        s->n = 1;
        s->flags = STACK_TRUNCATED;
    }
    if (likely(end != SIZE_MAX)) {
        keep(s, s->n, end);
        s->ip = s->kept.ip + s->first;
        s->at = s->kept.at + s->first;
    } else {
        s->ip = s->fresh.ip;
        s->at = s->fresh.at;
    }
    if (unlikely(s->n > s->max)) {
        s->n = s->max;
        s->flags |= STACK_TRUNCATED;
    }
}

uint64_t stack_hash(const struct stack *s, uint64_t seed)
{
    uint64_t h = 0;
    if (likely(s->flags & STACK_KEPT)) {
        h = s->kept.hash[s->first];
        if (unlikely(s->flags & STACK_TRUNCATED)) {
            h -= s->kept.hash[s->first + s->max] * s->cut_power;
        }
    } else {
        for (size_t i = s->n; i-- > 0;) {
            h = extend_hash(h, s->ip[i]);
        }
    }
    h = (h ^ seed) * FACTOR;
    h ^= h >> 32;
    return h ? h : 1;
}
