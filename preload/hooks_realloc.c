/* SPDX-License-Identifier: MIT
 *
 * realloc and reallocarray where they record: the block is taken out before the real call and comes
 * back, or its successor in, after it. Compiled with frame pointers, as hooks_recorded.c.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "bootstrap.h"
#include "hook.h"
#include "hooks_recorded.h"
#include "real.h"

/* realloc of a block of bootstrap.h, which never comes back: a new block, filled from it. */
static void *leave_bootstrap(void *block, size_t size)
{
    void *p = slowly_malloc(size);
    if (p) {
        size_t old = bootstrap_size(block);
        memcpy(p, block, old < size ? old : size);
    }
    return p;
}

/* The common part of realloc and reallocarray: BLOCK of SIZE bytes now is P, what REAL returned. */
struct resize {
    bool guarded, known, recorded;
    struct weighted_block block;
};

static __attribute__((noinline)) void resize_begin(struct resize *resize, void *block,
                                                   const struct stack_start *start)
{
    *resize = (struct resize){0};
    if (unlikely(!recording(start))) {
        return;
    }
    if (unlikely(objects_in_loader(start->ip))) {
        recorder_modules_changed(&recorder);
    }
    uint64_t began = timing_begin();
    resize->guarded = guard_enter(start->sp);
    if (likely(resize->guarded)) {
        struct thread *t = recorder_thread(&recorder);
        resize->recorded = t != NULL;
        if (likely(t != NULL)) {
            resize->known = recorder_take(&recorder, t, (uintptr_t)block, &resize->block);
        }
        /* Not over the real call: another thread's signal or the allocator's own calls of hooks
         * must be served as usual. */
        guard_leave();
    } else {
        recorder_nested_free(&recorder, (uintptr_t)block);
    }
    timing_end(began);
}

static __attribute__((noinline)) void resize_end(struct resize *resize, enum site_function function,
                                                 void *block, void *p, size_t size,
                                                 const struct stack_start *start)
{
    if (unlikely(!recorder_on(&recorder))) {
        return;
    }
    uint64_t began = timing_begin();
    bool freed = p != NULL || size == 0;
    if (unlikely(!resize->guarded)) {
        if (p) {
            recorder_nested_alloc(&recorder, (uintptr_t)p, size, start->ip);
        } else if (!freed) { /* it is still there, and counted as freed */
            recorder_nested_alloc(&recorder, (uintptr_t)block, 0, start->ip);
        }
    } else if (resize->recorded && guard_enter(start->sp)) {
        /* Looked up again: a handler may have forked, and the child has one of its own by now, or
         * is to have one. */
        struct thread *t = recorder_thread(&recorder);
        bool due = false;
        if (unlikely(!t)) {
            guard_leave();
            return;
        }
        if (likely(freed)) {
            recorder_freed(&recorder, t, (uintptr_t)block, &resize->block, resize->known);
        } else if (resize->known) {
            recorder_put_back(&recorder, t, (uintptr_t)block, &resize->block);
        }
        if (likely(p != NULL)) {
            due = recorder_alloc(&recorder, t, function, (uintptr_t)p, size, start, true);
        } else if (!freed) {
            due = recorder_failed(&recorder, t, function, size, start);
        }
        finish(t, due);
    }
    timing_end(began);
}

/* realloc of BLOCK the long way. */
static __attribute__((noinline)) void *resize_slow(void *block, size_t size,
                                                   struct stack_start start)
{
    if (unlikely(!real_ready())) {
        return block ? leave_bootstrap(block, size) : hook_early_alloc(size, 16);
    }
    if (!block) {
        void *p = real.realloc(block, size);
        allocated(SITE_realloc, p, size, &start);
        return p;
    }
    if (unlikely(bootstrap_owns(block))) {
        return leave_bootstrap(block, size);
    }
    struct resize resize;
    resize_begin(&resize, block, &start);
    void *p = real.realloc(block, size);
    resize_end(&resize, SITE_realloc, block, p, size, &start);
    return p;
}

/* realloc of BLOCK, of which live_take told TAKEN, after the real call, where that does not go the
 * short way. */
static __attribute__((noinline)) void resized_slow(struct live_taken taken, void *block, void *p,
                                                   size_t size, struct stack_start start)
{
    struct resize resize = {.guarded = true, .known = true, .recorded = true, .block.weight = 1};
    live_tell(&taken, &resize.block.block);
    resize_end(&resize, SITE_realloc, block, p, size, &start);
}

/* Around the real reallocarray of a hook at SP: glibc's calls realloc, through the hook, and that
 * call is not one of the program's. There is no meter meanwhile, so that what a meter lets pass
 * need not be asked whether it is this call. */
static void passing_begin(uintptr_t sp)
{
    guard_tls.passing = sp;
    guard_tls.meter = NULL;
}

static void passing_end(void)
{
    guard_tls.passing = 0;
    guard_tls.meter = guard_tls.thread ? guard_tls.thread->meter : NULL; /* a child's is another */
}

/* Whether a call from START is one that the real reallocarray makes. */
static bool is_passed(struct stack_start start)
{
    if (guard_is_ours(start.ip) || !guard_is_gone(guard_tls.passing, start.sp)) {
        return true;
    }
    passing_end();
    return false;
}

void *slowly_realloc(void *block, size_t size)
{
    const struct stack_start start = CALLER;
    return guard_tls.passing && is_passed(start) ? real.realloc(block, size)
                                                 : resize_slow(block, size, start);
}

/* realloc of BLOCK, not NULL. Out of the frame of calls that allocate. */
static __attribute__((noinline)) void *resize(void *block, size_t size, uintptr_t ip, uintptr_t sp,
                                              uintptr_t bp)
{
    const struct stack_start start = {.ip = ip, .sp = sp, .bp = bp};
    struct thread *t = quick_enter(sp);
    struct live_taken taken = {0};
    if (likely(t != NULL)) {
        if (likely(!objects_in_loader(ip))) {
            taken = live_take(&t->live_cache, (uintptr_t)block);
        }
        guard_leave();
    }
    if (unlikely(taken.word == 0)) {
        return resize_slow(block, size, start);
    }
    void *p = real.realloc(block, size);
    t = likely(p != NULL) ? quick_enter(sp) : NULL;
    if (unlikely(!t)) {
        resized_slow(taken, block, p, size, start);
        return p;
    }
    event_freed(&recorder, t, (uintptr_t)block, taken);
    return quick_counted(t, SITE_realloc, p, size, start, true);
}

void *recorded_realloc(void *block, size_t size)
{
    if (block) {
        const struct stack_start start = CALLER;
        return resize(block, size, start.ip, start.sp, start.bp);
    }
    void *p = real.realloc(NULL, size);
    return quick_allocated(SITE_realloc, p, size, (struct stack_start)CALLER);
}

static void *pass_reallocarray(void *block, size_t count, size_t size,
                               const struct stack_start *start)
{
    passing_begin(start->sp);
    void *p = real.reallocarray(block, count, size);
    passing_end();
    return p;
}

void *recorded_reallocarray(void *block, size_t count, size_t size)
{
    const struct stack_start start = CALLER;
    size_t total;
    bool overflow = __builtin_mul_overflow(count, size, &total);
    if (unlikely(!real_ready() || !real.reallocarray || (block && bootstrap_owns(block)))) {
        if (overflow) {
            errno = ENOMEM;
            return NULL;
        }
        return slowly_realloc(block, total);
    }
    if (!block || overflow) {
        void *p = pass_reallocarray(block, count, size, &start);
        allocated(SITE_reallocarray, p, total, &start);
        return p;
    }
    struct resize resize;
    resize_begin(&resize, block, &start);
    void *p = pass_reallocarray(block, count, size, &start);
    resize_end(&resize, SITE_reallocarray, block, p, total, &start);
    return p;
}
