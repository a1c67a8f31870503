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

/* Whether the words of STEP are in its frame or further out, where they can always be read again.
 */
static bool is_outward(const struct trace_step *step)
{
    return step->at >= step->sp && (!step->bp_at || step->bp_at >= step->sp) &&
           (!step->load_at || step->load_at >= step->sp);
}

/* Notes the words of STEP, that leads to OUTER, behind the first N. Returns how many there are. */
static size_t add_words(struct spine *p, size_t n, const struct trace_step *step,
                        const struct trace_step *outer, bool outer_uses_bp)
{
    p->word[n++] = (struct spine_word){step->at, trace_return_word(step->at, outer->ip)};
    if (outer_uses_bp && step->bp_at) {
        p->word[n++] = (struct spine_word){step->bp_at, outer->bp};
    }
    if (step->load_at) {
        p->word[n++] = (struct spine_word){step->load_at, step->load};
    }
    return n;
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
    size_t i = keep, words = keep > 0 ? p->frame[keep - 1].words : 0;
    uint64_t hash = keep > 0 ? p->frame[keep - 1].hash : 0;
    bool outer_uses_bp = keep > 0 && p->frame[keep - 1].uses_bp;
    for (const struct trace_step *x = step + n; x-- > step; i++) {
        if (i > 0) {
            if (unlikely(!is_outward(x))) {
                spine_forget(p);
                return false;
            }
            words = add_words(p, words, x, spine_step(p, i - 1), outer_uses_bp);
        }
        hash = stack_hash_extend(hash, x->ip);
        outer_uses_bp = rule_uses_bp(x->rule) || (outer_uses_bp && rule_same_bp(x->rule));
        *spine_step(p, i) = *x;
        p->frame[i] =
            (struct spine_frame){.hash = hash, .words = (uint32_t)words, .uses_bp = outer_uses_bp};
    }
    COMPILER_BARRIER();
    p->count = i;
    return true;
}
