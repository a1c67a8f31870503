/* SPDX-License-Identifier: MIT
 *
 * What the hooks go on to when a call is to be recorded, or may have to be. They are reached by a
 * jump, as the last thing a hook does, and find the frame of the program's code as their caller's.
 */
#ifndef PRELOAD_HOOKS_RECORDED_H
#define PRELOAD_HOOKS_RECORDED_H

#include <stddef.h>

#define ALLOC(name, type, parameters, needed)                                                      \
    __attribute__((visibility("hidden"), noinline)) type recorded_##name parameters;
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER

/* The same for threads whose events cannot go the short way (hook.h): with small frames. */
__attribute__((visibility("hidden"), noinline)) void *slowly_malloc(size_t size);
__attribute__((visibility("hidden"), noinline)) void *slowly_calloc(size_t count, size_t size);
__attribute__((visibility("hidden"), noinline)) void *slowly_realloc(void *block, size_t size);

/* Memory without the real allocator, until that is known. */
__attribute__((visibility("hidden"))) void *hook_early_alloc(size_t size, size_t alignment);

#endif
