/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>

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

/* The kernel leaves at least this much room below the initial thread's stack (MIN_GAP of its mmap
 * layout), more if the limit on stacks is higher. */
#define MAIN_STACK_MIN ((uintptr_t)128 << 20)
#define MAIN_STACK_MAX ((uintptr_t)16 << 30)

/* The initial thread's stack: up to the name of the executed program, which the kernel puts at the
 * very top, and down as far as nothing else is mapped. */
static void main_bounds(uintptr_t *low, uintptr_t *high)
{
    uintptr_t top = getauxval(AT_EXECFN);
    struct rlimit limit;
    uintptr_t size = MAIN_STACK_MIN;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > size) {
        size = limit.rlim_cur < MAIN_STACK_MAX ? limit.rlim_cur : MAIN_STACK_MAX;
    }
    *high = top ? (top + PAGE) & ~(PAGE - 1) : 0;
    *low = *high > size ? *high - size : 0;
}

static void thread_bounds(uintptr_t *low, uintptr_t *high)
{
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &start, &size);
        pthread_attr_destroy(&attributes);
    }
    *low = (uintptr_t)start;
    *high = (uintptr_t)start + size;
}

void stack_find_bounds(struct stack *s, bool is_main)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t low, high;
    if (!is_main) {
        thread_bounds(&s->low, &s->high);
        return;
    }
    main_bounds(&s->low, &s->high);
    /* The only thread of a forked child may still be on the stack of the thread that forked. */
    if (here - s->low >= s->high - s->low) {
        thread_bounds(&low, &high);
        if (here - low < high - low) {
            s->low = low;
            s->high = high;
        }
    }
}

/* Whether SP is on the thread's own stack, in the part that is in use. */
static bool on_own_stack(const struct stack *s, uintptr_t sp)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (sp - s->low >= s->high - s->low) {
        return false;
    }
    /* Above where we are it is mapped. Otherwise we are on an alternate stack, or SP is garbage. */
    return (sp >= here && here >= s->low) || sys_readable(sp);
}

/* Sets the walk's bounds to the stack that its sp is on. */
static void walk_bounds(struct walk *w, const struct stack *s)
{
    if (on_own_stack(s, w->sp)) {
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

static bool step_signal(struct walk *w, const struct stack *s, struct stack_words *words)
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
static inline bool step(struct walk *w, const struct rule *rule, struct stack_words *words)
{
    uintptr_t cfa, ip, bp = w->bp;
    *words = (struct stack_words){0};
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
    size_t n = unwinder_walk(rules->unwinder, start->sp, own ? s->high : start->sp, s->ip, s->max);
    s->flags |= STACK_WALKED;
    if (n == 0) {
        s->ip[0] = start->ip;
        n = 1;
        s->flags |= STACK_TRUNCATED;
    }
    s->n = n;
}

void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start)
{
    s->flags = 0;
    s->ip[0] = start->ip;
    s->words[0] = (struct stack_words){0};
    s->n = 1;
    if (!rules) {
        s->flags = STACK_TRUNCATED;
        return;
    }
    struct walk w = {.ip = start->ip, .sp = start->sp, .bp = start->bp, .return_address = true};
    walk_bounds(&w, s);
    while (s->n <= s->max) {
        struct rule rule = rules_get(rules, w.ip, w.return_address, generation);
        struct stack_words words;
        if (rule.kind == RULE_END) {
            break;
        }
        if (rule.kind == RULE_SIGNAL) {
            s->flags |= STACK_SIGNAL;
            if (!step_signal(&w, s, &words)) {
                s->flags |= STACK_TRUNCATED;
                break;
            }
        } else if (unlikely(rule.kind == RULE_COMPLEX)) {
            capture_complex(s, rules, start);
            break;
        } else if (unlikely(!step(&w, &rule, &words))) {
            s->flags |= STACK_TRUNCATED;
            break;
        }
        if (w.ip == 0) {
            break;
        }
        s->ip[s->n] = w.ip;
        s->words[s->n++] = words;
    }
    if (w.foreign) {
        s->flags |= STACK_FOREIGN;
    }
    if (s->n > s->max) {
        s->n = s->max;
        s->flags |= STACK_TRUNCATED;
    }
}

uint64_t stack_hash(const struct stack *s, uint64_t seed)
{
    uint64_t h = seed;
    for (size_t i = s->n; i-- > 0;) {
        h = (h ^ s->ip[i]) * 0x9fb21c651e98df25u;
        h ^= h >> 32;
    }
    return h ? h : 1;
}
