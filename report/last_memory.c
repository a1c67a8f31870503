/* SPDX-License-Identifier: MIT
 *
 * malloc, calloc and realloc of the whole tool, the libraries it uses included, which do not come
 * back without memory: the tool then ends as memory.h has it. libdw, libelf and their like crash,
 * or go on and lose names in silence.
 *
 * A request beyond LARGE may fail: its size is likely to come from a damaged file, which must not
 * end a report of others, and what asks for so much does check. Interposes libc's functions, or
 * those of an allocator that is preloaded, by being in the executable; linked into memprof-report
 * alone, and not under sanitizers, which bring an allocator of their own. Any thread.
 */
#include "die.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LARGE ((size_t)16 << 20)

static struct {
    void *(*_Atomic malloc)(size_t size);
    void *(*_Atomic calloc)(size_t count, size_t size);
    void *(*_Atomic realloc)(void *block, size_t size);
} next;

/* What the executable's own function hides. */
#define NEXT(name)                                                                                 \
    (atomic_load(&next.name) ? atomic_load(&next.name)                                             \
                             : (atomic_store(&next.name, dlsym(RTLD_NEXT, #name)), next.name))

static void *check(void *p, size_t size)
{
    if (!p && size > 0 && size <= LARGE)
        die("out of memory");
    return p;
}

void *malloc(size_t size)
{
    return check(NEXT(malloc)(size), size);
}

void *calloc(size_t nmemb, size_t size)
{
    size_t total;
    void *p = NEXT(calloc)(nmemb, size);
    return __builtin_mul_overflow(nmemb, size, &total) ? p : check(p, total);
}

void *realloc(void *ptr, size_t size)
{
    return check(NEXT(realloc)(ptr, size), size);
}
