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

/* A walk in progress. */
struct walk {
    uintptr_t ip, sp, bp;
    bool return_address;
    uintptr_t low, high; /* the words that may be read */
    bool foreign;        /* these bounds are probed page by page */
};

size_t stack_memory(size_t max)
{
    return 2 * (max + 1) *
           (sizeof(uintptr_t) + sizeof(struct stack_words) + sizeof(struct stack_state));
}

void stack_init(struct stack *s, size_t max, void *memory)
{
    char *next = memory;
    struct stack_frames *frames[] = {&s->kept, &s->fresh};
    memset(s, 0, sizeof *s);
    s->max = max;
    s->first = max + 1;
    for (size_t i = 0; i < 2; i++) {
        frames[i]->ip = (uintptr_t *)next;
        next += (max + 1) * sizeof *frames[i]->ip;
        frames[i]->words = (struct stack_words *)next;
        next += (max + 1) * sizeof *frames[i]->words;
        frames[i]->state = (struct stack_state *)next;
        next += (max + 1) * sizeof *frames[i]->state;
    }
}

/* Sets the walk's bounds to the stack that its sp is on. */
static void walk_bounds(struct walk *w, struct stack *s)
{
    if (stack_is_own(s, w->sp)) {
        w->low = w->sp;
        w->high = s->high;
        w->foreign = false;
    } else {
        w->low = w->high = w->sp & ~(PAGE - 1);
        w->foreign = true;
    }
}

/* Reads the word at ADDRESS if it is on this stack. On a foreign stack the bounds grow upward by
 * pages that have been probed. */
static bool walk_read(struct walk *w, uintptr_t address, uintptr_t *value)
{
    if (address < w->low || address % WORD != 0) {
        return false;
    }
    if (unlikely(address >= w->high || w->high - address < WORD)) {
        if (!w->foreign || address - w->high > 64 * PAGE) {
            return false;
        }
        while (w->high <= address) {
            if (!sys_readable(w->high)) {
                return false;
            }
            w->high += PAGE;
        }
    }
    *value = *(const uintptr_t *)address;
    return true;
}

static bool step_signal(struct walk *w, struct stack *s, struct stack_words *words)
{
    uintptr_t ip, sp, bp;
    uintptr_t frame = w->sp;
    if (!walk_read(w, frame + SIGNAL_IP, &ip) || !walk_read(w, frame + SIGNAL_SP, &sp) ||
        !walk_read(w, frame + SIGNAL_BP, &bp)) {
        return false;
    }
    *words = (struct stack_words){.ip = frame + SIGNAL_IP, .bp = frame + SIGNAL_BP};
    w->ip = ip;
    w->sp = sp;
    w->bp = bp;
    w->return_address = false;
    walk_bounds(w, s); /* the handler may have run on an alternate stack */
    return true;
}

/* One step outward by RULE. Returns false where the frame's words are not what a stack holds. */
static inline bool step(struct walk *w, const struct rule *rule, struct stack_words *words,
                        uintptr_t *load)
{
    uintptr_t cfa, ip, bp = w->bp;
    words->bp = words->load = 0;
    switch (rule->kind) {
    case RULE_SP:
        cfa = w->sp;
        break;
    case RULE_BP:
        cfa = w->bp;
        break;
    default:
        words->load =
            (rule->kind == RULE_LOAD_BP ? w->bp : w->sp) + (uintptr_t)(intptr_t)rule->load_offset;
        if (!walk_read(w, words->load, &cfa)) {
            return false;
        }
        *load = cfa;
    }
    cfa += (uintptr_t)(intptr_t)rule->cfa_offset;
    /* Outward is upward; a frame holds at least its return address. */
    if (cfa <= w->sp || !walk_read(w, cfa - WORD, &ip)) {
        return false;
    }
    words->ip = cfa - WORD;
    if (rule->bp != RULE_BP_SAME) {
        words->bp =
            (rule->bp == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)(intptr_t)rule->bp_offset;
        if (!walk_read(w, words->bp, &bp)) {
            return false;
        }
    }
    w->ip = ip;
    w->sp = cfa;
    w->bp = bp;
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

/* The outermost frame of the kept trace that was led to by a word which has changed; FROM if none
 * from FROM outward has. */
static size_t find_change(const struct stack *s, size_t from)
{
    const struct stack_frames *k = &s->kept;
    for (size_t i = s->max; i > from; i--) {
        const struct stack_words *words = &k->words[i];
        if (*(const uintptr_t *)words->ip != k->ip[i] ||
            (words->bp && *(const uintptr_t *)words->bp != k->state[i].bp) ||
            (words->load && *(const uintptr_t *)words->load != k->state[i].load)) {
            return i;
        }
    }
    return from;
}

/* Where a walk may fall in with the kept trace. */
struct rejoin {
    size_t at;     /* no frame further in has the walk's sp */
    size_t usable; /* frames from here outward stand on words that hold; SIZE_MAX: not looked yet */
};

/* Whether the frame that W is in, the N-th, is one of the kept trace's, and all outward with it. */
static inline bool rejoins(struct stack *s, struct rejoin *r, const struct walk *w, size_t n)
{
    const struct stack_frames *k = &s->kept;
    while (r->at <= s->max && k->state[r->at].sp < w->sp) {
        r->at++;
    }
    if (r->at > s->max || k->state[r->at].sp != w->sp || k->ip[r->at] != w->ip ||
        k->state[r->at].bp != w->bp || n > r->at + 1) {
        return false;
    }
    if (r->usable == SIZE_MAX) {
        r->usable = find_change(s, r->at);
        s->verified += s->max - r->usable;
    }
    return r->at >= r->usable;
}

static inline uint64_t extend_hash(uint64_t outer, uintptr_t ip)
{
    uint64_t h = (outer ^ ip) * 0x9fb21c651e98df25u;
    return h ^ h >> 32;
}

#define HASH_BASE ((uint64_t)0x9e3779b97f4a7c15u)

/* Writes the first N fresh frames in front of frame END of the kept trace. */
static void keep(struct stack *s, size_t n, size_t end)
{
    struct stack_frames *k = &s->kept, *f = &s->fresh;
    uint64_t hash = end <= s->max ? k->state[end].hash : HASH_BASE;
    s->first = end - n;
    for (size_t i = n; i-- > 0;) {
        size_t to = s->first + i;
        hash = extend_hash(hash, f->ip[i]);
        k->ip[to] = f->ip[i];
        k->words[to] = f->words[i];
        k->state[to] = f->state[i];
        k->state[to].hash = hash;
    }
    s->flags |= STACK_KEPT;
    s->n = s->max + 1 - s->first;
}

/* Walks outward from W's frame, fresh frame 0, until a frame of the kept trace, the outermost
 * frame, or where it cannot go on. Sets s->n to how many fresh frames there are. Returns the place
 * in the kept trace where they end, SIZE_MAX if they are not to be kept. */
static size_t walk_out(struct stack *s, struct rules *rules, const struct stack_start *start,
                       struct walk *w)
{
    struct stack_frames *f = &s->fresh;
    struct rejoin rejoin = {.at = s->first, .usable = SIZE_MAX};
    for (;;) {
        f->ip[s->n] = w->ip;
        f->state[s->n].sp = w->sp;
        f->state[s->n].bp = w->bp;
        s->n++;
        if (!(s->flags & (STACK_SIGNAL | STACK_FOREIGN)) && rejoins(s, &rejoin, w, s->n)) {
            /* The frame itself is kept already, but the words that led to it may be others. */
            s->kept.words[rejoin.at] = f->words[s->n - 1];
            s->kept.state[rejoin.at].load = f->state[s->n - 1].load;
            s->n--;
            return rejoin.at;
        }
        if (s->n > s->max) {
            break;
        }
        const struct rule rule = rules_get(rules, w->ip, w->return_address, s->generation);
        bool stepped = false;
        if (likely(rule.kind < RULE_SIGNAL)) {
            stepped = step(w, &rule, &f->words[s->n], &f->state[s->n].load);
        } else if (rule.kind == RULE_END) {
            return s->flags & (STACK_SIGNAL | STACK_FOREIGN) ? SIZE_MAX : s->max + 1;
        } else if (rule.kind == RULE_SIGNAL) {
            s->flags |= STACK_SIGNAL;
            stepped = step_signal(w, s, &f->words[s->n]);
        } else {
            capture_complex(s, rules, start);
            return SIZE_MAX;
        }
        if (!stepped || w->ip == 0) {
            s->flags |= stepped ? 0 : STACK_TRUNCATED;
            return SIZE_MAX;
        }
        s->flags |= w->foreign ? STACK_FOREIGN : 0;
        s->stepped++;
    }
    return SIZE_MAX;
}

void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start)
{
    struct walk w = {.ip = start->ip, .sp = start->sp, .bp = start->bp, .return_address = true};
    s->flags = 0;
    s->n = 0;
    s->fresh.words[0] = (struct stack_words){0};
    if (unlikely(s->generation != generation)) {
        s->generation = generation;
        s->first = s->max + 1;
    }
    size_t end = SIZE_MAX;
    if (likely(rules != NULL)) {
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
        s->words = s->kept.words + s->first;
    } else {
        s->ip = s->fresh.ip;
        s->words = s->fresh.words;
    }
    if (s->n > s->max) {
        s->n = s->max;
        s->flags |= STACK_TRUNCATED;
    }
}

uint64_t stack_hash(const struct stack *s, uint64_t seed)
{
    uint64_t h = HASH_BASE;
    if (likely((s->flags & (STACK_KEPT | STACK_TRUNCATED)) == STACK_KEPT)) {
        h = s->kept.state[s->first].hash;
    } else {
        for (size_t i = s->n; i-- > 0;) {
            h = extend_hash(h, s->ip[i]);
        }
    }
    h = extend_hash(h, seed);
    return h ? h : 1;
}
