/* SPDX-License-Identifier: MIT
 *
 * For hooks of functions that are no allocation functions: the next definition of a name in the
 * search order behind this library. Looked up on first use; any thread.
 */
#ifndef PRELOAD_NEXT_H
#define PRELOAD_NEXT_H

#include <dlfcn.h>

#define HOOK __attribute__((visibility("default")))

/* Declares real_NAME and fills it. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real_##name;                                                          \
    if (!real_##name) {                                                                            \
        *(void **)&real_##name = dlsym(RTLD_NEXT, #name);                                          \
    }

#endif
