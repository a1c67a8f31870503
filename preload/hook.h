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
    return likely(recorder_on(&recorder)) || hook_begin(start);
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

/* The calling thread's state if it may go the short way, with the guard; otherwise NULL. */
static inline __attribute__((always_inline)) struct thread *quick_enter(uintptr_t frame)
{
    if (unlikely(guard_tls.frame != 0)) {
        return NULL;
    }
    guard_tls.frame = frame;
    __asm__ volatile("" ::: "memory"); /* a handler may fork: what it finds then is read after */
    struct thread *t = guard_tls.quick;
    if (unlikely(!t) || unlikely(atomic_load_explicit(recorder.alive, memory_order_relaxed) == 0)) {
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

/* The same, the short way if it can be. */
static inline __attribute__((always_inline)) void
quick_allocated(enum site_function function, void *p, size_t size, struct stack_start start)
{
    struct thread *t = likely(p != NULL) ? quick_enter(start.sp) : NULL;
    if (unlikely(!t)) {
        const struct stack_start copy = start; /* so that START is not in memory */
        allocated(function, p, size, &copy);
        return;
    }
    quick_leave(t, event_alloc(&recorder, t, function, (uintptr_t)p, size, start,
                               event_find(&recorder, t, start), false));
}

/* P, not NULL and the real allocator's, is about to be freed. */
static __attribute__((noinline, unused)) void freeing(void *p, const struct stack_start *start)
{
    if (unlikely(!recording(start))) {
        return;
    }
    /* Only the dynamic loader's own frees tell that a module may have gone. */
    if (unlikely(objects_in_loader(start->ip))) {
        modules_changed(&recorder.modules);
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

/* The same for P that may be anyone's, or NULL, if that goes the short way. Returns false if not.
 */
static inline __attribute__((always_inline)) bool quick_free(void *p, uintptr_t ip, uintptr_t frame)
{
    struct thread *t = quick_enter(frame);
    if (unlikely(!t)) {
        return false;
    }
    struct live_taken taken = {0};
    if (likely(!objects_in_loader(ip))) {
        taken = live_take(&t->live_cache, (uintptr_t)p);
    }
    if (unlikely(taken.word == 0)) {
        guard_leave();
        return false;
    }
    event_freed(&recorder, t, (uintptr_t)p, taken);
    quick_leave(t, false);
    return true;
}

#endif
