/* SPDX-License-Identifier: MIT
 *
 * For a process in which another preloaded library defines the allocation functions in front of
 * ours, as in LD_PRELOAD="libjemalloc.so.2 libmemprof.so": calls never come to us by themselves.
 * The slots through which the loaded modules call these functions, and the pointers to them in
 * their initialised data, are pointed at our hooks; what they called before becomes the real
 * function.
 *
 * Only by the constructor, under the guard, but for rebind_module_of.
 */
#ifndef PRELOAD_REBIND_H
#define PRELOAD_REBIND_H

#include <stddef.h>
#include <stdint.h>

/* A hooked function: its name, ours, and the one that is called now. */
struct rebind_hook {
    const char *name;
    uintptr_t ours, theirs;
};

/* Points the slots for the hook in the module that ADDRESS is in at ours. Returns how many slots
 * were changed. Once that is loaded, by any thread; the slots are not in use yet. */
size_t rebind_module_of(uintptr_t address, const struct rebind_hook *hook);

/* Points the slots for the N HOOKS in all loaded modules, but this library and the one that
 * ALLOCATOR is an address in, at ours. Returns how many slots were changed. */
size_t rebind_modules(const struct rebind_hook *hooks, size_t n, uintptr_t allocator);

#endif
