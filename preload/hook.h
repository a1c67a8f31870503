/* SPDX-License-Identifier: MIT
 *
 * What the hooks of allocation functions have in common: the state of their caller, and the one
 * call of the recorder around the real function. Only for files that are compiled with frame
 * pointers. errno is kept: what may change it is in functions of their own, out of the way, that
 * restore it; so does all in the recorder that calls libc or libunwind.
 */
#ifndef PRELOAD_HOOK_H
#define PRELOAD_HOOK_H

#include <errno.h>

#include "arch.h"
#include "event.h"
#include "guard.h"
#include "lifecycle.h"
#include "objects.h"
#include "recorder.h"

/* The state of whoever called the hook that uses this. */
#define CALLER ARCH_CALLER

static __attribute__((noinline, unused)) bool hook_begin(const struct stack_start *start)
{
    int saved = errno;
    bool on = lifecycle_begin(start->ip);
    errno = saved;
    return on;
}

static inline bool recording(const struct stack_start *start)
{
    return likely(recorder_on(&recorder)) || (!lifecycle_is_off() && hook_begin(start));
}

static __attribute__((noinline, unused)) void hook_finish(struct thread *t, bool due)
{
    int saved = errno;
    if (due) {
        lifecycle_periodic(&recorder);
    }
    if (guard_tls.exited && t) {
        recorder_thread_end(&recorder, t);
    }
    errno = saved;
}

/* Around what the recorder does in a call, to time some of it: see sampler_budget.h. */
static inline uint64_t timing_begin(void)
{
    struct sampler_meter *m = guard_tls.meter;
    return unlikely(m != NULL) && recorder.sampler.budget.limit ? sampler_budget_begin(&m->clock)
                                                                : 0;
}

static inline void timing_end(uint64_t began)
{
    if (unlikely(began != 0) && guard_tls.meter) {
        sampler_budget_end(&recorder, &guard_tls.meter->clock, began);
    }
}

/* At the end of an event, still under the guard. */
static inline void finish(struct thread *t, bool due)
{
    /* Where few calls come here, what waits for one must not miss this one. */
    due = due || (unlikely(guard_tls.meter != NULL) &&
                  atomic_load_explicit(&recorder.deadline, memory_order_relaxed) == 0);
    if (unlikely(due || guard_tls.exited)) {
        hook_finish(t, due);
    }
    guard_leave();
}

/* The short way: where a thread records every block, and nothing else is to be thought of, an event
 * goes through no function but the inline ones of event.h. */

#define HOOK_REALLOCATED (1 << 8) /* beside a function: the block was moved or resized */

/* The calling thread's state if it may go the short way, with the guard; otherwise NULL. Whether
 * anything is recorded is to be looked at. */
static inline __attribute__((always_inline)) struct thread *quick_begin(uintptr_t frame)
{
    if (unlikely(guard_tls.frame != 0)) {
        return NULL;
    }
    guard_tls.frame = frame;
    __asm__ volatile("" ::: "memory"); /* a handler may fork: what it finds then is read after */
    struct thread *t = guard_tls.quick;
    if (unlikely(!t)) {
        guard_leave();
    }
    return t;
}

/* The same if something is recorded. */
static inline __attribute__((always_inline)) struct thread *quick_enter(uintptr_t frame)
{
    struct thread *t = quick_begin(frame);
    if (likely(t != NULL) && unlikely(turn_now(recorder.alive) == 0)) {
        guard_leave();
        return NULL;
    }
    return t;
}

/* At the end of an event. A deadline of 0: a signal came that could not be served at once. */
static inline __attribute__((always_inline)) void quick_leave(struct thread *t, bool due)
{
    if (unlikely(due) ||
        unlikely(atomic_load_explicit(&recorder.deadline, memory_order_relaxed) == 0)) {
        hook_finish(t, true);
    }
    guard_leave();
}

/* A call of FUNCTION for SIZE bytes returned P, NULL if it failed. */
static __attribute__((noinline, unused)) void
allocated(enum site_function function, void *p, size_t size, const struct stack_start *start)
{
    if (unlikely(!recording(start))) {
        return;
    }
    uint64_t began = timing_begin();
    if (likely(guard_enter(start->sp))) {
        struct thread *t = recorder_thread(&recorder);
        bool due = false;
        if (likely(t != NULL) && likely(p != NULL)) {
            due = recorder_alloc(&recorder, t, function, (uintptr_t)p, size, start, false);
        } else if (t) {
            due = recorder_failed(&recorder, t, function, size, start);
        }
        finish(t, due);
    } else if (p) {
        guard_tls.nested = true;
        recorder_nested_alloc(&recorder, (uintptr_t)p, size, start->ip);
    }
    timing_end(began);
}

/* What of the short way is not for each event. It ends in a jump to one of these, with all that
 * they need in registers: so the way itself calls nothing, and saves few registers. They return P.
 */

/* A call is not to go that way. */
static __attribute__((noinline, unused)) void *slowly_allocated(void *p, size_t size,
                                                                enum site_function function,
                                                                uintptr_t ip, uintptr_t sp,
                                                                uintptr_t bp)
{
    const struct stack_start start = {.ip = ip, .sp = sp, .bp = bp};
    allocated(function, p, size, &start);
    return p;
}

/* It is not plain: under the guard, of guard_tls.at, and with guard_tls.found. */
static __attribute__((noinline, unused)) void *
fully_allocated(void *p, size_t size, int how, uintptr_t ip, uintptr_t sp, uintptr_t bp)
{
    const struct stack_start start = {.ip = ip, .sp = sp, .bp = bp};
    struct thread *t = guard_tls.at;
    const enum site_function function = (enum site_function)(how & ~HOOK_REALLOCATED);
    if (unlikely(turn_now(recorder.alive) == 0)) {
        guard_leave();
        return slowly_allocated(p, size, function, ip, sp, bp);
    }
    const struct known *x = event_find_on(&recorder, t, start, guard_tls.found);
    const bool due = event_alloc(&recorder, t, function, (uintptr_t)p, size, start, x,
                                 (how & HOOK_REALLOCATED) != 0);
    event_look(&recorder, t);
    quick_leave(t, due);
    return p;
}

/* It was plain, and there is something to be done after it. */
static __attribute__((noinline, unused)) void *late_allocated(void *p, size_t size,
                                                              struct thread *t, struct shard *shard)
{
    event_late_alloc(&recorder, t, shard, (uintptr_t)p, size);
    quick_leave(t, false);
    return p;
}

/* FUNCTION returned P; under the guard of T, in a turn of its own, or, not ALONE, a shared one. */
static inline __attribute__((always_inline)) void *
plainly_allocated(struct thread *t, bool alone, enum site_function function, void *p, size_t size,
                  struct stack_start start, bool reallocated)
{
    live_slot *slot;
    const struct known *x = NULL;
    enum event_result result = EVENT_OTHER;
    if (likely(live_ask(&t->live_cache, (uintptr_t)p, &slot))) {
        x = knowns_find_first(&t->stack.knowns, start.ip, start.sp, start.bp);
        result = event_alloc_plain(&recorder, t, alone, function, (uintptr_t)p, size, x, slot,
                                   reallocated);
    }
    if (unlikely(result == EVENT_OTHER)) {
        guard_tls.at = t;
        guard_tls.found = x;
        return fully_allocated(p, size, (int)function | (reallocated ? HOOK_REALLOCATED : 0),
                               start.ip, start.sp, start.bp);
    }
    if (unlikely(result == EVENT_LATE)) {
        return late_allocated(p, size, t, x->shard);
    }
    guard_leave();
    return p;
}

/* Not in a turn of the thread's own: under the guard, of guard_tls.at. */
static __attribute__((noinline, unused)) void *
shared_allocated(void *p, size_t size, int how, uintptr_t ip, uintptr_t sp, uintptr_t bp)
{
    struct thread *t = guard_tls.at;
    if (unlikely(turn_now(recorder.alive) != t->shared_turn.alloc)) {
        guard_tls.found = NULL;
        return fully_allocated(p, size, how, ip, sp, bp);
    }
    const struct stack_start start = {.ip = ip, .sp = sp, .bp = bp};
    return plainly_allocated(t, false, (enum site_function)(how & ~HOOK_REALLOCATED), p, size,
                             start, (how & HOOK_REALLOCATED) != 0);
}

/* FUNCTION returned P; under the guard of T. */
static inline __attribute__((always_inline)) void *
quick_counted(struct thread *t, enum site_function function, void *p, size_t size,
              struct stack_start start, bool reallocated)
{
    if (unlikely(turn_now(recorder.alive) != t->turn.alloc)) {
        guard_tls.at = t;
        return shared_allocated(p, size, (int)function | (reallocated ? HOOK_REALLOCATED : 0),
                                start.ip, start.sp, start.bp);
    }
    return plainly_allocated(t, true, function, p, size, start, reallocated);
}

/* FUNCTION returned P, the short way if it can be. */
static inline __attribute__((always_inline)) void *
quick_allocated(enum site_function function, void *p, size_t size, struct stack_start start)
{
    struct thread *t = likely(p != NULL) ? quick_begin(start.sp) : NULL;
    return likely(t != NULL) ? quick_counted(t, function, p, size, start, false)
                             : slowly_allocated(p, size, function, start.ip, start.sp, start.bp);
}

/* P, not NULL and the real allocator's, is about to be freed. */
static __attribute__((noinline, unused)) void freeing(void *p, const struct stack_start *start)
{
    if (unlikely(!recording(start))) {
        return;
    }
    /* Only the dynamic loader's own frees tell that a module may have gone. */
    if (unlikely(objects_in_loader(start->ip))) {
        recorder_modules_changed(&recorder);
    }
    uint64_t began = timing_begin();
    if (likely(guard_enter(start->sp))) {
        struct thread *t = recorder_thread(&recorder);
        if (likely(t != NULL)) {
            recorder_free(&recorder, t, (uintptr_t)p);
        }
        /* 0: a signal came that the recorder could not serve at once. */
        finish(t, atomic_load_explicit(&recorder.deadline, memory_order_relaxed) == 0);
    } else {
        recorder_nested_free(&recorder, (uintptr_t)p);
    }
    timing_end(began);
}

#endif
