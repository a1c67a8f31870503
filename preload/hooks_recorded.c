/* SPDX-License-Identifier: MIT
 *
 * The interposed allocation functions where they record: the real call, one call of the recorder,
 * errno as the real call left it. Nothing is decided here. Compiled with frame pointers, so that
 * the caller's state is at hand.
 */
#include "hooks_recorded.h"

#include <errno.h>
#include <stdint.h>

#include "bootstrap.h"
#include "hook.h"
#include "real.h"

/* Memory without the real allocator. If that comes to pass while blocks are sampled, frees of it
 * must not pass. */
void *hook_early_alloc(size_t size, size_t alignment)
{
    void *p = bootstrap_alloc(size, alignment);
    if (!p) {
        errno = ENOMEM;
    } else if (recorder.sampler.on) {
        sampler_adopt(&recorder.sampler, (uintptr_t)p);
    }
    return p;
}

void *slowly_malloc(size_t size)
{
    if (unlikely(!real_ready())) {
        return hook_early_alloc(size, 16);
    }
    void *p = real.malloc(size);
    const struct stack_start start = CALLER;
    allocated(SITE_malloc, p, size, &start);
    return p;
}

void *recorded_malloc(size_t size)
{
    void *p = real.malloc(size);
    return quick_allocated(SITE_malloc, p, size, (struct stack_start)CALLER);
}

void *slowly_calloc(size_t count, size_t size)
{
    size_t total;
    bool overflow = __builtin_mul_overflow(count, size, &total);
    if (unlikely(!real_ready())) {
        return hook_early_alloc(overflow ? SIZE_MAX : total, 16);
    }
    void *p = real.calloc(count, size);
    const struct stack_start start = CALLER;
    allocated(SITE_calloc, p, total, &start);
    return p;
}

void *recorded_calloc(size_t count, size_t size)
{
    size_t total;
    (void)__builtin_mul_overflow(count, size, &total); /* if it is too much the call fails */
    void *p = real.calloc(count, size);
    return quick_allocated(SITE_calloc, p, total, (struct stack_start)CALLER);
}

static int early_posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    void *p = hook_early_alloc(size, alignment);
    if (p) {
        *out = p;
    }
    return p ? 0 : ENOMEM;
}

int recorded_posix_memalign(void **out, size_t alignment, size_t size)
{
    if (unlikely(!real_ready())) {
        return early_posix_memalign(out, alignment, size);
    }
    int error = real.posix_memalign(out, alignment, size);
    const struct stack_start start = CALLER;
    allocated(SITE_posix_memalign, error ? NULL : *out, size, &start);
    return error;
}

void *recorded_aligned_alloc(size_t alignment, size_t size)
{
    if (unlikely(!real_ready() || !real.aligned_alloc)) {
        return hook_early_alloc(size, alignment);
    }
    void *p = real.aligned_alloc(alignment, size);
    const struct stack_start start = CALLER;
    allocated(SITE_aligned_alloc, p, size, &start);
    return p;
}

void *recorded_memalign(size_t alignment, size_t size)
{
    if (unlikely(!real_ready() || !real.memalign)) {
        return hook_early_alloc(size, alignment);
    }
    void *p = real.memalign(alignment, size);
    const struct stack_start start = CALLER;
    allocated(SITE_memalign, p, size, &start);
    return p;
}

void *recorded_valloc(size_t size)
{
    if (unlikely(!real_ready() || !real.valloc)) {
        return hook_early_alloc(size, 4096);
    }
    void *p = real.valloc(size);
    const struct stack_start start = CALLER;
    allocated(SITE_valloc, p, size, &start);
    return p;
}

void *recorded_pvalloc(size_t size)
{
    if (unlikely(!real_ready() || !real.pvalloc)) {
        const size_t whole = (size + 4095) & ~(size_t)4095;
        return hook_early_alloc(whole < size ? SIZE_MAX : whole, 4096);
    }
    void *p = real.pvalloc(size);
    const struct stack_start start = CALLER;
    allocated(SITE_pvalloc, p, size, &start);
    return p;
}

/* The parts of free that are not for each: as those of hook.h. */
static __attribute__((noinline)) void free_slowly(void *block, uintptr_t ip, uintptr_t sp,
                                                  uintptr_t bp)
{
    if (!block || unlikely(bootstrap_owns(block)) || unlikely(!real_ready())) {
        return;
    }
    const struct stack_start start = {.ip = ip, .sp = sp, .bp = bp};
    freeing(block, &start);
    real.free(block);
}

/* Where nothing is recorded. */
static __attribute__((noinline)) void free_off(void *block)
{
    if (likely(!bootstrap_owns(block))) {
        real.free(block);
    }
}

/* Under the guard of T. */
static __attribute__((noinline)) void free_fully(void *block, struct thread *t, uintptr_t ip,
                                                 uintptr_t sp, uintptr_t bp)
{
    struct live_taken taken = {0};
    if (likely(turn_now(recorder.alive) != 0)) {
        taken = live_take(&t->live_cache, (uintptr_t)block);
    }
    if (unlikely(taken.word == 0)) {
        guard_leave();
        free_slowly(block, ip, sp, bp);
        return;
    }
    event_freed(&recorder, t, (uintptr_t)block, taken);
    event_look(&recorder, t);
    quick_leave(t, false);
    real.free(block);
}

/* The same; the free is counted, in SHARD. */
static __attribute__((noinline)) void free_late(void *block, struct thread *t, struct shard *shard)
{
    if (!count_alone(&recorder)) {
        count_hand_in(&recorder, t, shard);
    }
    quick_leave(t, false);
    real.free(block);
}

/* In a turn of T's own, or, not ALONE, a shared one. */
static inline __attribute__((always_inline)) void
free_plainly(struct thread *t, bool alone, void *block, uintptr_t ip, uintptr_t sp, uintptr_t bp)
{
    struct shard *shard;
    const enum event_result result =
        event_free_plain(&recorder, t, alone, (uintptr_t)block, &shard);
    if (unlikely(result == EVENT_OTHER)) {
        free_fully(block, t, ip, sp, bp);
    } else if (unlikely(result == EVENT_LATE)) {
        free_late(block, t, shard);
    } else {
        guard_leave();
        real.free(block);
    }
}

/* Under the guard of T, not in a turn of its own. */
static __attribute__((noinline)) void free_shared(void *block, struct thread *t, uintptr_t ip,
                                                  uintptr_t sp, uintptr_t bp)
{
    if (unlikely(turn_now(recorder.alive) != t->shared_turn.free)) {
        free_fully(block, t, ip, sp, bp);
    } else {
        free_plainly(t, false, block, ip, sp, bp);
    }
}

void recorded_free(void *block)
{
    if (unlikely(!block)) {
        return;
    }
    const struct stack_start start = CALLER;
    /* What the allocator looks at first may take as long to come as what we do. */
    __builtin_prefetch((const char *)block - 2 * sizeof(size_t), 1);
    struct thread *t = quick_begin(start.sp);
    if (unlikely(!t)) {
        if (lifecycle_is_off()) {
            free_off(block);
            return;
        }
        free_slowly(block, start.ip, start.sp, start.bp);
        return;
    }
    if (unlikely(objects_in_loader(start.ip))) {
        guard_leave();
        free_slowly(block, start.ip, start.sp, start.bp);
        return;
    }
    if (likely(turn_now(recorder.alive) == t->turn.free)) {
        free_plainly(t, true, block, start.ip, start.sp, start.bp);
    } else {
        free_shared(block, t, start.ip, start.sp, start.bp);
    }
}

void recorded_free_sized(void *block, size_t size)
{
    if (!block || unlikely(bootstrap_owns(block)) || unlikely(!real_ready())) {
        return;
    }
    const struct stack_start start = CALLER;
    freeing(block, &start);
    if (real.free_sized) {
        real.free_sized(block, size);
    } else {
        real.free(block);
    }
}

void recorded_free_aligned_sized(void *block, size_t alignment, size_t size)
{
    if (!block || unlikely(bootstrap_owns(block)) || unlikely(!real_ready())) {
        return;
    }
    const struct stack_start start = CALLER;
    freeing(block, &start);
    if (real.free_aligned_sized) {
        real.free_aligned_sized(block, alignment, size);
    } else {
        real.free(block);
    }
}

size_t recorded_malloc_usable_size(void *block)
{
    if (block && unlikely(bootstrap_owns(block))) {
        return bootstrap_size(block);
    }
    return block && real_ready() && real.malloc_usable_size ? real.malloc_usable_size(block) : 0;
}
