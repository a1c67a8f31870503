/* SPDX-License-Identifier: MIT
 *
 * The real allocation functions: the next ones in the search order behind this library. Resolved on
 * first use, whichever hook comes first, however early. Any thread.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct real {
#define ALLOC(name, type, parameters, needed) type(*name) parameters;
#define OTHER(name, type, parameters, needed) type(*name) parameters;
#include "hooks.def"
#undef ALLOC
#undef OTHER
};

extern struct real real __attribute__((visibility("hidden")));
extern _Atomic bool real_resolved;

/* Looks all of them up. While this runs, on the thread that runs it, real_resolving() is true and
 * hooks must serve themselves from bootstrap.h. Absent optional functions stay NULL. */
void real_resolve(void);
bool real_resolving(void);

/* Forgets the error of a lookup in vain, which is not the program's. */
void real_forget_error(void);

/* From now on the real NAME, one of hooks.def's, is the function at ADDRESS. */
void real_set(const char *name, uintptr_t address);

/* Makes sure that `real` is filled; false while it is this very thread that is filling it. */
static inline bool real_ready(void)
{
    if (__builtin_expect(!atomic_load_explicit(&real_resolved, memory_order_acquire), 0)) {
        if (real_resolving()) {
            return false;
        }
        real_resolve();
    }
    return true;
}

#endif
