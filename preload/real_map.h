/* SPDX-License-Identifier: MIT
 *
 * The real functions that map and unmap memory: system calls until real_map_resolve, then the next
 * functions in the search order behind this library, which may be another interposer's. They can be
 * called at any time, by any thread, in a signal handler, even before this library is relocated (by
 * another's resolver of an indirect function): allocators map while they hold their locks, so
 * nothing here may allocate.
 */
#ifndef PRELOAD_REAL_MAP_H
#define PRELOAD_REAL_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct real_map {
#define MAP(name, type, parameters) type(*name) parameters;
#include "hooks_map.def"
#undef MAP
};

extern struct real_map real_map __attribute__((visibility("hidden")));

/* The system calls, as libc's functions. */
#define MAP(name, type, parameters)                                                                \
    extern type real_map_##name parameters __attribute__((visibility("hidden")));
#include "hooks_map.def"
#undef MAP

/* The function NAME to call now. */
#define REAL_MAP(name) (real_map.name ? real_map.name : real_map_##name)

/* Looks the functions up, the first time, when libraries can be asked. What is not found stays a
 * system call. */
void real_map_resolve(void);

#endif
