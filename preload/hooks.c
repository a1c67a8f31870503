/* SPDX-License-Identifier: MIT
 *
 * The interposed allocation functions. A call that sampling lets pass (sampler.h) is counted and
 * goes to the real function at once; every other call goes to its namesake in hooks_recorded.h.
 * Either way by a jump, with the frame as the program's call left it: so this is compiled without
 * frame pointers, and no function here does anything after the call that it ends with.
 */
#include <stdint.h>

#include "bootstrap.h"
#include "hooks_recorded.h"
#include "lifecycle.h"
#include "real.h"
#include "recorder.h"

#define HOOK __attribute__((visibility("default"), noinline))

#define ALLOC(name, type, parameters, needed) HOOK type name parameters;
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER

/* Whether the free of BLOCK passes, if there is a meter; false: it may yet. */
#define FREE_PASSES(block) sampler_free_passes(&recorder.sampler, block)
/* The meter on which it passes; NULL: it may not. */
#define PASSING_FREE(block)                                                                        \
    sampler_passing_free(&recorder.sampler, block, (uintptr_t)__builtin_return_address(0))

HOOK void *malloc(size_t size)
{
    if (sampler_passes(size)) {
        return real.malloc(size);
    }
    if (likely(guard_tls.quick != NULL)) {
        return recorded_malloc(size);
    }
    return lifecycle_is_off() ? real.malloc(size) : slowly_malloc(size);
}

HOOK void *calloc(size_t count, size_t size)
{
    size_t total;
    if (likely(!__builtin_mul_overflow(count, size, &total)) && sampler_passes(total)) {
        return real.calloc(count, size);
    }
    if (likely(guard_tls.quick != NULL)) {
        return recorded_calloc(count, size);
    }
    return lifecycle_is_off() ? real.calloc(count, size) : slowly_calloc(count, size);
}

/* What is not for each call, where there is a meter: the block may be one that was recorded.
 * Reached by a jump. */
static __attribute__((noinline)) void *realloc_with_care(void *block, size_t size)
{
    struct sampler_meter *m = size != 0 ? PASSING_FREE(block) : NULL;
    if (m && sampler_passes_on(m, size)) {
        sampler_count(&m->frees);
        return real.realloc(block, size);
    }
    return slowly_realloc(block, size);
}

/* The same where there is none. */
static __attribute__((noinline)) void *realloc_without(void *block, size_t size)
{
    if (lifecycle_is_off() && !bootstrap_owns(block)) {
        return real.realloc(block, size);
    }
    return slowly_realloc(block, size);
}

/* A realloc of a block to 0 bytes may be a free alone: only what it returns tells. */
HOOK void *realloc(void *block, size_t size)
{
    struct sampler_meter *m = guard_tls.meter;
    if (unlikely(!m)) {
        return likely(guard_tls.quick != NULL) && likely(!guard_tls.passing)
                   ? recorded_realloc(block, size)
                   : realloc_without(block, size);
    }
    if (!block) {
        return sampler_passes_on(m, size) ? real.realloc(block, size) : slowly_realloc(block, size);
    }
    if (size != 0 && FREE_PASSES(block) && sampler_passes_on(m, size)) {
        sampler_count(&m->frees);
        return real.realloc(block, size);
    }
    return realloc_with_care(block, size);
}

HOOK void *reallocarray(void *block, size_t count, size_t size)
{
    return recorded_reallocarray(block, count, size);
}

HOOK int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (sampler_passes(size)) {
        return real.posix_memalign(out, alignment, size);
    }
    return recorded_posix_memalign(out, alignment, size);
}

HOOK void *aligned_alloc(size_t alignment, size_t size)
{
    if (likely(real.aligned_alloc != NULL) && sampler_passes(size)) {
        return real.aligned_alloc(alignment, size);
    }
    return recorded_aligned_alloc(alignment, size);
}

HOOK void *memalign(size_t alignment, size_t size)
{
    if (likely(real.memalign != NULL) && sampler_passes(size)) {
        return real.memalign(alignment, size);
    }
    return recorded_memalign(alignment, size);
}

HOOK void *valloc(size_t size)
{
    return recorded_valloc(size);
}

HOOK void *pvalloc(size_t size)
{
    return recorded_pvalloc(size);
}

/* As realloc_with_care. */
static __attribute__((noinline)) void free_with_care(void *block)
{
    if (!block) {
        return;
    }
    struct sampler_meter *m = PASSING_FREE(block);
    if (m) {
        sampler_count(&m->frees);
        real.free(block);
    } else {
        recorded_free(block);
    }
}

HOOK void free(void *block)
{
    struct sampler_meter *m = guard_tls.meter;
    if (unlikely(!m)) {
        recorded_free(block);
    } else if (likely(FREE_PASSES(block))) {
        sampler_count(&m->frees);
        real.free(block);
    } else {
        free_with_care(block);
    }
}

HOOK void free_sized(void *block, size_t size)
{
    struct sampler_meter *m = block && real.free_sized ? PASSING_FREE(block) : NULL;
    if (m) {
        sampler_count(&m->frees);
        real.free_sized(block, size);
        return;
    }
    recorded_free_sized(block, size);
}

HOOK void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    struct sampler_meter *m = block && real.free_aligned_sized ? PASSING_FREE(block) : NULL;
    if (m) {
        sampler_count(&m->frees);
        real.free_aligned_sized(block, alignment, size);
        return;
    }
    recorded_free_aligned_sized(block, alignment, size);
}

HOOK size_t malloc_usable_size(void *block)
{
    return recorded_malloc_usable_size(block);
}

/* Names of the hooks that cannot be preempted, for interpose.c. */
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-attributes" /* nobody calls by these names */
#endif
#define ALLOC(name, type, parameters, needed)                                                      \
    extern type hook_##name parameters __attribute__((alias(#name), visibility("hidden")));
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
