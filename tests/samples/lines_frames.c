/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`: frames whose size is known only at run time, blocks that grow and blocks that
 * are aligned. */
#include "lines.h"

#include <alloca.h>
#include <malloc.h>
#include <stdint.h>

static void *kept[64];

NOINLINE void frames_vla(int n)
{
    char text[n];
    memset(text, 'x', (size_t)n);
    USE(text);
    kept[n % 64] = AT(malloc((size_t)n));
    char more[n * 2];
    USE(more);
    RUN(free(AT(malloc((size_t)n))));
}

NOINLINE void frames_alloca(int n)
{
    for (int i = 0; i < 3; i++) {
        char *p = alloca((size_t)n);
        USE(p);
        p = AT(malloc((size_t)n + (size_t)i));
        USE(p);
    }
}

NOINLINE void frames_realigned(int n)
{
    char aligned[128] __attribute__((aligned(64)));
    memset(aligned, n, sizeof aligned);
    USE(aligned);
    if ((uintptr_t)aligned % 64 != 0)
        abort();
    void *p = AT(calloc((size_t)n, 9));
    USE(p);
    RUN(frames_vla(n));
}

NOINLINE void frames_growth(void)
{
    char *p = NULL;
    for (size_t size = 16; size <= 65536; size *= 2) {
        p = AT(realloc(p, size));
        USE(p);
    }
    p = AT(realloc(p, 40));
    USE(p);
    p = AT(reallocarray(p, 12, 10));
    USE(p);
    volatile size_t huge = SIZE_MAX / 2;
    if (AT(realloc(p, huge)) != NULL)
        abort();
    char *gone = AT(realloc(NULL, 5000));
    USE(gone);
    RUN(free(gone));
}

NOINLINE void frames_aligned(void)
{
    void *p = NULL;
    if (AT(posix_memalign(&p, 256, 1000)) != 0)
        abort();
    USE(p);
    void *q = AT(aligned_alloc(64, 640));
    void *r = AT(memalign(128, 321));
    void *s = AT(calloc(7, 13));
    USE(q);
    USE(s);
    RUN(free(r));
    RUN(free(p));
}
