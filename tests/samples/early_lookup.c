/* SPDX-License-Identifier: MIT
 *
 * libearly_lookup.so: a dlsym that allocates, as libc's own did: whoever looks the allocation
 * functions up in order to pass calls on is asked for memory while it cannot. It calls each of
 * them, keeps some blocks, and looks after them once the program runs: they are resized and freed.
 * Says on standard output how many blocks went through that. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not every libc has them. */
void free_sized(void *block, size_t size) __attribute__((weak));
void free_aligned_sized(void *block, size_t alignment, size_t size) __attribute__((weak));

enum { KEPT = 4000, SIZE = 100 };
static void *kept[KEPT];
static unsigned checked;

static void expect(int condition, const char *what)
{
    if (!condition) {
        (void)!write(1, what, strlen(what));
        _exit(9);
    }
}

/* P, of SIZE bytes, is a block of its own, zero if it is CLEAN. */
static void use(void *p, size_t size, size_t alignment, int clean)
{
    expect(p != NULL && (uintptr_t)p % alignment == 0, "no block, or one that is not aligned\n");
    expect(malloc_usable_size(p) >= size, "a block that is too small\n");
    for (size_t i = 0; clean && i < size; i++)
        expect(((char *)p)[i] == 0, "a block of calloc that is not zero\n");
    memset(p, (int)checked, size);
    checked++;
}

static void call_each(void)
{
    void *p = NULL;
    size_t huge = SIZE_MAX / 2;
    __asm__("" : "+r"(huge));
    use(malloc(10), 10, 16, 0);
    use(calloc(10, 7), 70, 16, 1);
    expect(calloc(huge, 3) == NULL, "calloc did not overflow\n");
    use(memalign(256, 20), 20, 256, 0);
    use(aligned_alloc(64, 128), 128, 64, 0);
    use(valloc(30), 30, 4096, 0);
    use(pvalloc(30), 30, 4096, 0);
    expect(posix_memalign(&p, 512, 40) == 0, "posix_memalign failed\n");
    use(p, 40, 512, 0);
    p = realloc(NULL, 11);
    use(p, 11, 16, 0);
    memset(p, 'r', 11);
    p = realloc(p, 3000);
    expect(p && memcmp(p, "rrrrrrrrrrr", 11) == 0, "realloc lost the content\n");
    p = reallocarray(p, 500, 10);
    expect(p && memcmp(p, "rrrrrrrrrrr", 11) == 0, "reallocarray lost the content\n");
    use(p, 5000, 16, 0);
    errno = 0;
    expect(reallocarray(p, huge, 3) == NULL && errno == ENOMEM, "reallocarray did not overflow\n");
    free(p);
    free(NULL);
    if (free_sized)
        free_sized(malloc(9), 9);
    if (free_aligned_sized)
        free_aligned_sized(memalign(64, 9), 64, 9);
    for (int i = 0; i < KEPT; i++) { /* in all more than any small reserve */
        kept[i] = malloc(SIZE);
        use(kept[i], SIZE, 16, 0);
        memset(kept[i], i, SIZE);
    }
}

void *dlsym(void *handle, const char *name)
{
    static void *(*real)(void *, const char *);
    static int called;
    if (!real)
        *(void **)&real = dlvsym(RTLD_NEXT, "dlsym",
#if defined(__x86_64__)
                                 "GLIBC_2.2.5"
#else
                                 "GLIBC_2.17"
#endif
        );
    if (handle == RTLD_NEXT && !called++)
        call_each();
    return real(handle, name);
}

__attribute__((destructor)) static void look_after(void)
{
    char line[64];
    for (int i = 0; i < KEPT; i++) {
        char *p = kept[i];
        expect(p && p[0] == (char)i && p[SIZE - 1] == (char)i, "a block has changed\n");
        if (i % 3 == 0) {
            p = realloc(p, 10 * SIZE);
            expect(p && p[0] == (char)i && p[SIZE - 1] == (char)i, "realloc lost the content\n");
        } else if (i % 3 == 1) {
            p = reallocarray(p, 5, SIZE);
            expect(p && p[SIZE - 1] == (char)i, "reallocarray lost the content\n");
        }
        free(p);
    }
    int n = snprintf(line, sizeof line, "%u blocks\n", checked);
    (void)!write(1, line, (size_t)n);
}
