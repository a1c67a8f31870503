/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`: every way in which a line of C can come to be charged for memory. Each file
 * shows one family; all calls that may allocate stand in AT or RUN of ledger.h.
 */
#ifndef SAMPLES_LINES_H
#define SAMPLES_LINES_H

#include "ledger.h"

#include <stdlib.h>
#include <string.h>

/* Also keeps GCC from splitting a function in two, where one part calls the other. */
#define NOINLINE __attribute__((noinline, noclone))
#define INLINE static inline __attribute__((always_inline))

/* A macro that allocates: charged to the line that uses it. */
#define NEW_INTS(n) AT((int *)malloc((n) * sizeof(int)))

/* Inlined into every caller: frames of their own, in this file. */
INLINE void *inline_inner(size_t size)
{
    return AT(malloc(size));
}

INLINE void *inline_outer(size_t size)
{
    void *first = AT(inline_inner(size));
    void *second = AT(calloc(3, size));
    USE(second);
    RUN(free(first));
    return second;
}

/* lines_calls.c */
void calls_inlined(void);
void calls_macros(void);
void calls_recursion(void);
void calls_pointer(void);

/* lines_libc.c */
void libc_callbacks(void);
void libc_strings(void);
void libc_thread(void);

/* lines_frames.c */
void frames_vla(int n);
void frames_alloca(int n);
void frames_realigned(int n);
void frames_growth(void);
void frames_aligned(void);

/* lines_plugin.c, a shared library */
__attribute__((visibility("default"))) void *plugin_keep(size_t size);
__attribute__((visibility("default"))) void plugin_visit(void (*visit)(int), int times);

#endif
