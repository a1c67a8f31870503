/* SPDX-License-Identifier: MIT
 *
 * An event where every block is recorded, none sampled, as one piece of inline code: the hooks that
 * programs call most take it in, recorder.c has it for all others. What is not for each event is
 * the recorder's, out of line.
 *
 * For the thread T alone, under the guard.
 */
#ifndef PRELOAD_EVENT_H
#define PRELOAD_EVENT_H

#include "count.h"

/* The stack that T is in at START if it is known whole and holds; or NULL. */
COUNT_INLINE const struct known *event_find(struct recorder *r, const struct thread *t,
                                            struct stack_start start)
{
    const struct stack *s = &t->stack;
    return likely(s->generation == modules_generation(&r->modules))
               ? knowns_find(&s->knowns, start.ip, start.sp, start.bp)
               : NULL;
}

/* As recorder_alloc. */
COUNT_INLINE bool event_alloc(struct recorder *r, struct thread *t, enum site_function function,
                              uintptr_t address, uint64_t size, struct stack_start start,
                              const struct known *x, bool reallocated)
{
    struct shard *shard;
    if (likely(x != NULL) && likely(x->as == (uint16_t)function)) {
        shard = x->shard;
    } else {
        shard = recorder_find_shard(r, t, function, start, x);
        if (unlikely(!shard)) {
            recorder_alloc_uncounted(r, t, address, size);
            return false;
        }
    }
    uint32_t word = live_word(address, shard->site, size);
    const uint64_t n = counter_get(&shard->alloc_count);
    const bool measured = count_measures(t, n);
    word |= unlikely(measured) ? LIVE_MEASURED : 0;
    struct live_block old;
    const enum live_result result = live_put(&r->live, &t->live_cache, address, word, size, &old);
    if (unlikely(result != LIVE_OK) && !recorder_alloc_trouble(r, t, shard, result, &old, 1)) {
        return false;
    }
    const bool alone = count_alone(r);
    if (likely(alone)) {
        count_alloc_alone(r, t, shard, size, reallocated, measured);
    } else {
        count_alloc(r, t, shard, size, 1, reallocated, false);
    }
    count_alloc_of_thread(t, size, 1);
    t->last_block = address;
    if (unlikely(measured)) {
        live_put_birth(&r->live, &t->live_cache, address, count_stamp(r, t, n), alone);
        return count_due(r, t);
    }
    return false;
}

/* Whether the block at ADDRESS, which is freed, is the last that this thread allocated. */
COUNT_INLINE bool event_is_temporary(struct thread *t, uintptr_t address)
{
    if (likely(t->last_block != address)) {
        return false;
    }
    t->last_block = 0;
    return true;
}

/* The block at ADDRESS, of which live_take told TAKEN, is gone. */
COUNT_INLINE void event_freed(struct recorder *r, struct thread *t, uintptr_t address,
                              struct live_taken taken)
{
    count_free_of(r, t, live_word_site(taken.word), taken.size, taken.stamp, 1,
                  event_is_temporary(t, address), false);
}

#endif
