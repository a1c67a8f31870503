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

/* Whether the stacks that T knows are still those of the code that there is. */
COUNT_INLINE bool event_knows(struct recorder *r, const struct thread *t)
{
    return likely(t->stack.generation == modules_generation(&r->modules));
}

/* The stack that T is in at START if it is known whole and holds; or NULL. */
COUNT_INLINE const struct known *event_find(struct recorder *r, struct thread *t,
                                            struct stack_start start)
{
    return event_knows(r, t) ? knowns_find(&t->stack.knowns, start.ip, start.sp, start.bp) : NULL;
}

/* The same where knowns_find_first returned X. */
COUNT_INLINE const struct known *event_find_on(struct recorder *r, const struct thread *t,
                                               struct stack_start start, const struct known *x)
{
    return event_knows(r, t) ? knowns_find_on(&t->stack.knowns, start.ip, start.sp, start.bp, x)
                             : NULL;
}

/* Looks whether T's events are plain from now on: for as long as the turn is not over. */
COUNT_INLINE void event_look(struct recorder *r, struct thread *t)
{
    const uint32_t now = turn_now(r->alive); /* before all else */
    const bool calm = atomic_load_explicit(&r->deadline, memory_order_relaxed) != 0;
    const bool plain = calm && now != 0 && !t->seldom && event_knows(r, t) &&
                       t->stack.knowns.table && live_is_plain(&r->live);
    const struct thread_turns none = {TURN_NONE, TURN_NONE},
                              turn = {plain ? now : TURN_NONE, calm && now != 0 ? now : TURN_NONE};
    const bool alone = count_alone(r);
    t->turn = alone ? turn : none;
    t->shared_turn = alone ? none : turn;
}

/* As recorder_alloc, at a stack where X was found to be known; or NULL. */
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
    uint32_t word = live_word(address, shard_site(shard)) | live_word_of_size(size);
    const uint64_t n = counter_get(&shard->alloc_count);
    const bool measured = t->seldom || count_measures(shard, n);
    word |= unlikely(measured) ? LIVE_MEASURED : 0;
    struct live_block old;
    const enum live_result result = live_put(&r->live, &t->live_cache, address, word, size, &old);
    if (unlikely(result != LIVE_OK) && !recorder_alloc_trouble(r, t, shard, result, &old, 1)) {
        return false;
    }
    if (unlikely(measured)) {
        count_measured(shard, n); /* before it is counted: a handler may leave here by longjmp */
        atomic_signal_fence(memory_order_seq_cst);
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

/* Whether turn NOW is over. Whoever gives pages back makes all threads pass a memory barrier after
 * that: see live_trim. */
COUNT_INLINE bool event_is_over(const struct recorder *r, uint32_t now)
{
    atomic_signal_fence(memory_order_seq_cst);
    return unlikely(turn_now(r->alive) != now);
}

enum event_result {
    EVENT_COUNTED,
    EVENT_LATE,  /* counted; event_late_alloc, or count_hand_in, is to follow */
    EVENT_OTHER, /* something is out of the ordinary: nothing is done */
};

/* The end of event_alloc_plain: the block is put in SLOT as WORD, but for its address, and counted
 * in SHARD; NEAR: its size. */
COUNT_INLINE enum event_result event_alloc_there(struct recorder *r, struct thread *t, bool alone,
                                                 uintptr_t address, uint64_t size,
                                                 struct shard *shard, live_slot *slot,
                                                 uint32_t word, unsigned near, bool reallocated)
{
    if (unlikely(count_measures(shard, counter_get(&shard->alloc_count))) ||
        (reallocated && unlikely(!shard_more(shard))) ||
        unlikely(!live_put_plain(slot, word | live_offset_bits(address), size))) {
        return EVENT_OTHER;
    }
    const uint64_t epoch = count_begin(r, shard, false);
    counter_add(&shard->alloc_count, 1);
    counter_add(&shard->alloc_bytes, size);
    if (reallocated) {
        counter_add(&shard_more(shard)->realloc_count, 1);
    }
    if (near != SHARD_SAME) {
        shard_count_near_size(shard, size, near);
    }
    if (alone) {
        shard_end(shard);
    } else {
        count_thread(t, shard);
        count_end(r, shard, epoch, 1, size, false);
    }
    shard_follow_max(shard);
    peak_change_alone(&t->share, (int64_t)size);
    count_alloc_of_thread(t, size, 1);
    t->last_block = address;
    const bool over = event_is_over(r, alone ? t->turn.alloc : t->shared_turn.alloc);
    return over || (!alone && count_is_to_hand_in(r, t, shard)) ? EVENT_LATE : EVENT_COUNTED;
}

/* The same in a turn that is plain for T; ALONE: one of its own. SLOT: of live_ask. Calls nothing:
 * what does is left for later. What most blocks of a stack have in common, their size, goes a way
 * of its own. */
COUNT_INLINE enum event_result event_alloc_plain(struct recorder *r, struct thread *t, bool alone,
                                                 enum site_function function, uintptr_t address,
                                                 uint64_t size, const struct known *x,
                                                 live_slot *slot, bool reallocated)
{
    if (unlikely(!x) || unlikely(x->as != (uint16_t)function)) {
        return EVENT_OTHER;
    }
    struct shard *shard = x->shard;
    const uint32_t word = atomic_load_explicit(&shard->word, memory_order_relaxed);
    if (likely(shard_is_size(shard, size))) {
        return event_alloc_there(r, t, alone, address, size, shard, slot, word, SHARD_SAME,
                                 reallocated);
    }
    const unsigned near = shard_near_size(shard, size);
    if (unlikely(near == SHARD_NEAR)) {
        return EVENT_OTHER;
    }
    return event_alloc_there(r, t, alone, address, size, shard, slot,
                             live_word(0, live_word_site(word)) | live_word_of_size(size), near,
                             reallocated);
}

/* After EVENT_LATE, whatever it was for; but not what is due in general (a deadline of 0). SIZE: of
 * the block that was allocated. */
COUNT_INLINE void event_late_alloc(struct recorder *r, struct thread *t, struct shard *shard,
                                   uintptr_t address, uint64_t size)
{
    const uint32_t word = live_word(address, shard_site(shard)) | live_word_of_size(size);
    live_put_again(&r->live, &t->live_cache, address, word, size);
    if (!count_alone(r)) {
        count_hand_in(r, t, shard);
    }
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

/* The block at ADDRESS is freed, as event_alloc_plain. OF: its shard, if EVENT_LATE. */
COUNT_INLINE enum event_result event_free_plain(struct recorder *r, struct thread *t, bool alone,
                                                uintptr_t address, struct shard **of)
{
    if (unlikely(!live_is_near(&t->live_cache, address))) {
        return EVENT_OTHER;
    }
    live_slot *slot = live_near_slot(&t->live_cache, address);
    const uint32_t word = atomic_load_explicit(slot, memory_order_relaxed);
    const uint32_t site = live_word_site(word);
    if (unlikely(!live_is_plain_of(word, address)) || unlikely(!sites_own(&r->sites, site))) {
        return EVENT_OTHER;
    }
    struct shard *shard = *of = thread_shard_known(t, site);
    if (unlikely(!shard) || (!alone && peak_is_passed(&r->peak, peak_total(&r->peak, &t->share)))) {
        return EVENT_OTHER;
    }
    uint64_t size = live_word_size(word);
    if (size == LIVE_LARGE) {
        size = live_take_large_size(slot);
    }
    atomic_store_explicit(slot, 0, memory_order_relaxed);
    if (alone) {
        peak_before_free_alone(&r->peak, &t->share, t->now);
    }
    const uint64_t epoch = count_begin(r, shard, false);
    counter_add(&shard->free_count, 1);
    counter_add(&shard->freed_bytes, size);
    if (unlikely(event_is_temporary(t, address))) {
        counter_add(&shard->temporary_count, 1);
    }
    if (alone) {
        shard_end(shard);
    } else {
        count_end(r, shard, epoch, -(uint64_t)1, -size, false);
    }
    peak_change_alone(&t->share, -(int64_t)size);
    counter_add(&t->free_count, 1);
    counter_add(&t->live_count, -(uint64_t)1);
    const bool over = event_is_over(r, alone ? t->turn.free : t->shared_turn.free);
    return over || (!alone && count_is_to_hand_in(r, t, shard)) ? EVENT_LATE : EVENT_COUNTED;
}

/* The block at ADDRESS, of which live_take told TAKEN, is gone. */
COUNT_INLINE void event_freed(struct recorder *r, struct thread *t, uintptr_t address,
                              struct live_taken taken)
{
    count_free_of(r, t, live_word_site(taken.word), taken.size, taken.stamp, 1,
                  event_is_temporary(t, address), false);
}

#endif
