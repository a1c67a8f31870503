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
    if (p && recorder.sampler.on) {
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
    const struct stack_start start = CALLER;
    void *p = real.malloc(size);
    quick_allocated(SITE_malloc, p, size, start);
    return p;
}

void *slowly_calloc(size_t count, size_t size)
{
    size_t total;
    bool overflow = __builtin_mul_overflow(count, size, &total);
    if (unlikely(!real_ready())) {
        return overflow ? NULL : hook_early_alloc(total, 16);
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
    const struct stack_start start = CALLER;
    void *p = real.calloc(count, size);
    quick_allocated(SITE_calloc, p, total, start);
    return p;
}

int recorded_posix_memalign(void **out, size_t alignment, size_t size)
{
    if (unlikely(!real_ready())) {
        *out = hook_early_alloc(size, alignment);
        return *out ? 0 : ENOMEM;
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
        return hook_early_alloc((size + 4095) & ~(size_t)4095, 4096);
    }
    void *p = real.pvalloc(size);
    const struct stack_start start = CALLER;
    allocated(SITE_pvalloc, p, size, &start);
    return p;
}

static __attribute__((noinline)) void free_slow(void *block, struct stack_start start)
{
    if (!block || unlikely(bootstrap_owns(block)) || unlikely(!real_ready())) {
        return;
    }
    freeing(block, &start);
    real.free(block);
}

void recorded_free(void *block)
{
    const struct stack_start start = CALLER;
    /* What the allocator looks at first may take as long to come as what we do. */
    __builtin_prefetch((const char *)block - 2 * sizeof(size_t), 1);
    if (likely(quick_free(block, start.ip, start.sp))) {
        real.free(block);
    } else {
        free_slow(block, start);
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
