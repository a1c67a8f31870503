/* SPDX-License-Identifier: MIT
 *
 * A thread's known stacks, as a tree of frames: a frame is known by its (ip, sp, bp) and by the
 * frame it leads out to. A step outward is a function of (ip, sp, bp) and of the words it loads.
 * So where a thread is in a known frame, and all words that led from there outward still hold what
 * they held, the whole stack is the known one, by induction: not a heuristic. Where a word has
 * changed, the frames up to it are still right, and only from there on must be stepped.
 *
 * Frames that no step further out needs the bp of are known without it, and where they saved it is
 * not looked at: most code computes its CFA from sp.
 *
 * Owned by one thread, under the guard. A bounded number of frames; when they are used up all must
 * be forgotten. Only frames of the thread's own stack, from the innermost to the outermost, without
 * a signal frame between, may be entered: their words can be read whenever a known frame is found
 * again. A longjmp out of any function here leaves the tree sound.
 */
#ifndef PRELOAD_TRACE_H
#define PRELOAD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "arena.h"
#include "rule.h"
#include "sys.h"

/* So many words are looked at together: chasing pointers frame by frame would take longer. */
#define TRACE_WORDS 4

/* A frame, in two cache lines. */
struct trace {
    uintptr_t ip, sp;
    uintptr_t bp;          /* in this frame; matters if `uses_bp` */
    uint64_t hash;         /* of the return addresses from here outward: stack.h */
    struct trace *far;     /* the first one out whose step the words below are not of; or NULL */
    uint32_t outer;        /* id of the next frame out; 0: this is the outermost */
    uint32_t next;         /* id of a known frame of the same key; or 0 */
    uint32_t depth;        /* frames from here outward, this one included */
    int16_t bp_at;         /* in words, from at[0] to where the outer frame's bp was; 0: nowhere */
    uint8_t words : 2;     /* how many of those below are of the step out of this frame */
    uint8_t loads : 1;     /* the last of these is one that the CFA came from */
    uint8_t uses_bp : 1;   /* a step from here outward depends on bp */
    uint8_t rule_bits : 2; /* of the rule: RULE_USES_BP_SHIFT and the one after */

    /* The words that were read to step out of this frame, and what they held: the return address,
     * the outer frame's bp if that uses it, of realigned frames what the CFA came from. Then those
     * of the next steps, as many as there is room for. Then words that always hold. */
    uintptr_t at[TRACE_WORDS];
    uintptr_t held[TRACE_WORDS];
};

/* A frame to be entered, and the step out of it. */
struct trace_step {
    uintptr_t ip, sp, bp;
    uintptr_t at, bp_at, load_at, load; /* 0: no such word was read */
    struct rule rule;
};

#define TRACES_FIRST_BITS 10
#define TRACES_MAX_BITS 14
#define TRACES_MAX ((uint32_t)1 << TRACES_MAX_BITS)
/* Places in `recent` for each frame, as a power of two: a frame that finds none near its key would
 * be walked to each time. */
#define TRACES_MORE_RECENT 2

struct traces {
    struct trace *trace;  /* by id, from 1 to `used` */
    uint32_t *recent;     /* by (ip, sp): the last one of these that was entered */
    uint32_t *known;      /* by (ip, outer frame): all, linked by `next` */
    uint32_t used, limit; /* a power of two, up to TRACES_MAX */
    unsigned shift;       /* 64 less the logarithm of `limit` */
};

/* How much memory they need; MEMORY is zeroed, and touched as it is used. */
size_t traces_memory(void);
void traces_init(struct traces *t, void *memory);

/* Words of the stack may be read at any address: a rule's offsets are not the program's. */
typedef uintptr_t trace_word __attribute__((aligned(1), may_alias));

/* Where a stack is laid out differently, what is read may be anything, an object's red zone, too.
 */
static inline __attribute__((no_sanitize("address"))) uintptr_t trace_load(uintptr_t address)
{
    return *(const trace_word *)address;
}

/* What lies at AT, where a step read the return address IP. */
static inline uintptr_t trace_return_word(uintptr_t at, uintptr_t ip)
{
    return ARCH_SIGNS_RETURNS ? trace_load(at) : ip;
}

static inline uint64_t traces_hash(uintptr_t ip, uintptr_t other)
{
    return (ip ^ other << 12) * 0x9e3779b97f4a7c15u;
}

/* Where in `recent` the frames of (IP, SP) are looked for. */
static inline size_t traces_recent_key(const struct traces *t, uintptr_t ip, uintptr_t sp)
{
    return (size_t)(traces_hash(ip, sp) >> (t->shift - TRACES_MORE_RECENT));
}

static inline struct trace *traces_at(const struct traces *t, uint32_t id)
{
    return id ? &t->trace[id] : NULL;
}

static inline struct trace *trace_outer(const struct traces *t, const struct trace *x)
{
    return traces_at(t, x->outer);
}

/* The place of the frame of (IP, SP) in `recent`, or an empty one for it. Only the first few are
 * looked at; what is not there is walked to. */
static inline uint32_t *traces_recent(const struct traces *t, uintptr_t ip, uintptr_t sp)
{
    const size_t key = traces_recent_key(t, ip, sp);
    uint32_t *place = &t->recent[key];
    for (size_t i = 1; i < 4; i++) {
        const struct trace *x = traces_at(t, *place);
        if (likely(!x || (x->ip == ip && x->sp == sp))) {
            break;
        }
        place = &t->recent[(key + i) & (((size_t)t->limit << TRACES_MORE_RECENT) - 1)];
    }
    return place;
}

/* Whether X's step, and those of the frames before X->far, still lead where they led. */
static inline bool trace_all_hold(const struct trace *x)
{
    uintptr_t changed = 0;
    for (int i = 0; i < TRACE_WORDS; i++) {
        changed |= trace_load(x->at[i]) ^ x->held[i];
    }
    return changed == 0;
}

/* Whether X's step does. */
static inline bool trace_holds(const struct trace *x)
{
    for (int i = 0; i < x->words; i++) {
        if (trace_load(x->at[i]) != x->held[i]) {
            return false;
        }
    }
    return true;
}

/* The innermost frame, from X outward, whose step does not hold any more; NULL if all hold. */
static inline struct trace *trace_change(const struct traces *t, struct trace *x)
{
    while (x && likely(trace_all_hold(x))) {
        x = x->far;
    }
    while (x && trace_holds(x)) {
        x = trace_outer(t, x);
    }
    return x;
}

/* What there is instead of a known frame. */
struct trace_miss {
    struct trace *x, *change; /* the steps from frame X outward hold, up to that of frame CHANGE;
                               * or NULL */
};

/* The known frame of (IP, SP, BP) from which all steps hold; NULL, and MISS, if none is found. */
static inline struct trace *traces_find(const struct traces *t, uintptr_t ip, uintptr_t sp,
                                        uintptr_t bp, struct trace_miss *miss)
{
    struct trace *x = traces_at(t, *traces_recent(t, ip, sp));
    *miss = (struct trace_miss){0};
    if (!x || x->ip != ip || x->sp != sp || (x->uses_bp && x->bp != bp)) {
        return NULL;
    }
    struct trace *change = trace_change(t, x);
    if (!change) {
        return x;
    }
    *miss = (struct trace_miss){.x = x, .change = change};
    return NULL;
}

/* Enters the frame of STEP, which leads to OUTER (NULL: it is the outermost), or finds it. NULL
 * when there is no room: forget all and go on without; or when it cannot be known again. */
struct trace *traces_enter(struct traces *t, const struct trace_step *step,
                           const struct trace *outer, uint64_t hash);

void traces_forget(struct traces *t);

/* Forgets all, and makes room for twice as many, up to TRACES_MAX. */
void traces_grow(struct traces *t);

#endif
