/* SPDX-License-Identifier: MIT */
#include "spine.h"

#include "stack_hash.h"

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")
#define WORDS_A_FRAME 3

size_t spine_memory(size_t size)
{
    return sizeof(struct spine) + size * (sizeof(struct trace_step) + sizeof(struct spine_frame) +
                                          WORDS_A_FRAME * sizeof(struct spine_word));
}

struct spine *spine_init(void *memory, size_t size)
{
    struct spine *p = memory;
    p->size = size;
    p->word = (struct spine_word *)(p + 1);
    p->frame = (struct spine_frame *)(p->word + WORDS_A_FRAME * size);
    p->step = (struct trace_step *)(p->frame + size);
    return p;
}

size_t spine_holding(const struct spine *p, size_t n)
{
    const size_t words = n > 0 ? p->frame[n - 1].words : 0;
    size_t i = 0;
    for (; i + 4 <= words; i += 4) {
        const struct spine_word *w = &p->word[i];
        if (unlikely(((trace_load(w[0].at) ^ w[0].held) | (trace_load(w[1].at) ^ w[1].held) |
                      (trace_load(w[2].at) ^ w[2].held) | (trace_load(w[3].at) ^ w[3].held)) !=
                     0)) {
            break;
        }
    }
    while (i < words && trace_load(p->word[i].at) == p->word[i].held) {
        i++;
    }
    if (likely(i == words)) {
        return n;
    }
    while (n > 0 && p->frame[n - 1].words > i) {
        n--;
    }
    return n;
}

/* Whether a word AT a place that a step has read, 0: none, is in its frame, which begins at SP, or
 * further out, where it can always be read again. */
static inline bool is_outward(uintptr_t at, uintptr_t sp)
{
    return at - 1 >= sp - 1;
}

/* Notes at TO the words of STEP, that leads to OUTER. Returns their end. */
static inline struct spine_word *add_words(struct spine_word *to, const struct trace_step *step,
                                           const struct trace_step *outer, bool outer_uses_bp)
{
    *to++ = (struct spine_word){step->at, trace_return_word(step->at, outer->ip)};
    if (outer_uses_bp && step->bp_at) {
        *to++ = (struct spine_word){step->bp_at, outer->bp};
    }
    if (unlikely(step->load_at)) {
        *to++ = (struct spine_word){step->load_at, step->load};
    }
    return to;
}

/* The outermost frame. Its step is the end: it reads nothing. */
static void begin(struct spine *p, const struct trace_step *step)
{
    *spine_step(p, 0) = *step;
    p->frame[0] = (struct spine_frame){.hash = stack_hash_extend(0, step->ip),
                                       .uses_bp = rule_uses_bp(step->rule)};
}

bool spine_extend(struct spine *p, size_t keep, const struct trace_step *step, size_t n)
{
    p->count = keep;
    p->nodes = p->nodes < keep ? p->nodes : keep;
    COMPILER_BARRIER(); /* a handler may leave by longjmp: what is behind them is not whole */
    if (n > p->size - keep) {
        spine_forget(p);
        return false;
    }
    if (n == 0) {
        return true;
    }
    const struct trace_step *x = step + n;
    if (keep == 0) {
        begin(p, --x);
        keep = 1;
    }
    struct trace_step *to = spine_step(p, keep - 1);
    struct spine_frame *frame = &p->frame[keep - 1];
    struct spine_word *const first = p->word, *word = first + frame->words;
    uint64_t hash = frame->hash;
    bool uses_bp = frame->uses_bp;
    while (x-- > step) {
        if (unlikely(!(is_outward(x->at, x->sp) && is_outward(x->bp_at, x->sp) &&
                       is_outward(x->load_at, x->sp)))) {
            spine_forget(p);
            return false;
        }
        word = add_words(word, x, to, uses_bp);
        hash = stack_hash_extend(hash, x->ip);
        uses_bp = rule_uses_bp(x->rule) || (uses_bp && rule_same_bp(x->rule));
        *--to = *x;
        frame++;
        frame->hash = hash;
        frame->words = (uint32_t)(word - first);
        frame->uses_bp = uses_bp;
    }
    COMPILER_BARRIER();
    p->count = (size_t)(frame + 1 - p->frame);
    return true;
}
