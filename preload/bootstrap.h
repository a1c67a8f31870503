/* SPDX-License-Identifier: MIT
 *
 * Memory for the moments when the real allocator is not known yet: looking it up may itself
 * allocate. A static buffer that spills to mmap'd chunks. Blocks are 16-aligned, remember their
 * true size, are never reused, and are recognised for ever. Any thread; no locks.
 */
#ifndef PRELOAD_BOOTSTRAP_H
#define PRELOAD_BOOTSTRAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SIZE zeroed bytes aligned to ALIGNMENT, a power of two; NULL if the kernel gives no memory or
 * the size overflows. */
void *bootstrap_alloc(size_t size, size_t alignment);

/* Whether bootstrap_alloc returned P. Few programs come to what is not in the static buffer. */
#define BOOTSTRAP_BYTES ((size_t)64 << 10)
extern char bootstrap_bytes[BOOTSTRAP_BYTES] __attribute__((visibility("hidden")));
struct bootstrap_region;
extern struct bootstrap_region *_Atomic bootstrap_spills __attribute__((visibility("hidden")));
bool bootstrap_has_spilled(const void *p);

static inline bool bootstrap_owns(const void *p)
{
    return (uintptr_t)p - (uintptr_t)bootstrap_bytes < BOOTSTRAP_BYTES ||
           (atomic_load_explicit(&bootstrap_spills, memory_order_acquire) != NULL &&
            bootstrap_has_spilled(p));
}

/* Where the blocks are: the start of the Nth stretch, from 0, and its length in *BYTES; 0 if there
 * are not so many. */
uintptr_t bootstrap_stretch(size_t n, size_t *bytes);

/* The size that P, which bootstrap_owns, was asked for. */
size_t bootstrap_size(const void *p);

#endif
