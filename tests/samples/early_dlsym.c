/* SPDX-License-Identifier: MIT
 *
 * libearly_dlsym.so: preloaded in front of the profiler, it takes dlsym over, as wrappers of all
 * kinds do, and allocates a megabyte in 10,000 pieces in the first call: which is made to find the
 * real calloc. Its blocks are checked, used and freed when everything is up. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 10000
#define SIZE 105

static char *piece[PIECES];
static int allocated;

static void allocate(void)
{
    for (int i = 0; i < PIECES; i++) {
        piece[i] = calloc(1, SIZE);
        if (!piece[i] || piece[i][0] || memcmp(piece[i], piece[i] + 1, SIZE - 1) != 0)
            abort();
        memset(piece[i], i, SIZE);
    }
    allocated = 1;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    static void *(*real)(void *, const char *);
    if (!real) {
        *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (!real)
            *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (!real)
            *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
        allocate();
    }
    return real(handle, name);
}

static __attribute__((destructor)) void give_back(void)
{
    for (int i = 0; allocated && i < PIECES; i++) {
        if (i % 3 == 0)
            piece[i] = realloc(piece[i], SIZE + 100);
        if (!piece[i] || piece[i][0] != (char)i || piece[i][SIZE - 1] != (char)i)
            abort();
        free(piece[i]);
    }
    fprintf(stderr, "%d pieces\n", allocated ? PIECES : 0);
}
