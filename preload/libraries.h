/* SPDX-License-Identifier: MIT
 *
 * Which shared objects are in the process for the profiler's sake: the library itself, and what
 * loading libunwind brought along (its own dependencies, unless the host had them before). Noted
 * once, while libunwind is loaded; read by any thread.
 */
#ifndef PRELOAD_LIBRARIES_H
#define PRELOAD_LIBRARIES_H

#include <stddef.h>
#include <stdint.h>

#define LIBRARIES_MAX 8

/* Zero-initialised: not even the library itself is noted. */
struct libraries {
    size_t before; /* objects, when loading began */
    size_t n;
    struct {
        uintptr_t start, end;
    } of[LIBRARIES_MAX];
};

/* Around the loading. Both take the loader's lock. */
void libraries_begin(struct libraries *l);
void libraries_end(struct libraries *l);

/* Resident bytes of all of them; -1 if that cannot be told. */
int64_t libraries_resident(const struct libraries *l);

#endif
