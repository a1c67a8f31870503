/* SPDX-License-Identifier: MIT
 *
 * semantics: a table of unusual calls of the allocation functions, one line each: whether there was
 * a block, errno, alignment and usable size. Must print the same whoever interposes. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not known to the compiler, so that it judges no call. */
static void *(*volatile v_malloc)(size_t) = malloc;
static void *(*volatile v_calloc)(size_t, size_t) = calloc;
static void *(*volatile v_realloc)(void *, size_t) = realloc;
static void *(*volatile v_reallocarray)(void *, size_t, size_t) = reallocarray;
static void *(*volatile v_aligned_alloc)(size_t, size_t) = aligned_alloc;
static void *(*volatile v_memalign)(size_t, size_t) = memalign;
static void *(*volatile v_valloc)(size_t) = valloc;
static void *(*volatile v_pvalloc)(size_t) = pvalloc;
static int (*volatile v_posix_memalign)(void **, size_t, size_t) = posix_memalign;
static void (*volatile v_free)(void *) = free;

/* Alignment of P up to a page. */
static unsigned long alignment_of(const void *p)
{
    uintptr_t bits = (uintptr_t)p | 4096;
    return bits & -bits;
}

/* Prints and frees P, the result of the call that WHAT describes. An alignment beyond ALIGNED,
 * which was asked for, is chance. */
static void show(const char *what, void *p, size_t aligned)
{
    int error = errno;
    unsigned long alignment = p ? alignment_of(p) : 0;
    printf("%-34s %s errno %d aligned %lu", what, p ? "block" : "none ", error,
           alignment > aligned ? (unsigned long)aligned : alignment);
    if (aligned == 16)
        printf(" usable %zu", malloc_usable_size(p));
    printf("\n");
    v_free(p);
    errno = 0;
}

#define SHOW(call, aligned) show(#call, call, aligned)

static void show_failing(void)
{
    void *kept = v_malloc(100);
    memset(kept, 'x', 100);
    size_t before = malloc_usable_size(kept);
    void *p = v_realloc(kept, SIZE_MAX / 2);
    printf("realloc to SIZE_MAX / 2: %d errno %d\n", p != NULL, errno);
    errno = 0;
    p = v_reallocarray(kept, SIZE_MAX / 4, 8);
    printf("reallocarray overflowing: %d errno %d\n", p != NULL, errno);
    errno = 0;
    printf("the old block: kept %d, byte %c\n", malloc_usable_size(kept) == before,
           ((char *)kept)[99]);
    p = v_realloc(kept, 0);
    printf("realloc to 0: %d errno %d\n", p != NULL, errno);
    errno = 0;
}

static void show_posix_memalign(size_t alignment, size_t size)
{
    void *p = &p;
    int result = v_posix_memalign(&p, alignment, size);
    printf("posix_memalign(%zu, %zu): %d, errno %d, stored %s\n", alignment, size, result, errno,
           p == &p ? "nothing" : "a block");
    if (p != &p)
        show("  its block", p, alignment);
}

/* free and a malloc that succeeds keep errno. */
static void show_errno(void)
{
    int changed = 0;
    for (int i = 0; i < 2000; i++) {
        errno = i;
        void *p = v_malloc((size_t)i * 97); /* past the threshold of mmap, too */
        changed += errno != i;
        errno = i + 1;
        v_free(p);
        changed += errno != i + 1;
        errno = i + 2;
        v_free(NULL);
        changed += errno != i + 2;
    }
    printf("errno changed: %d\n", changed);
    errno = 0;
}

int main(void)
{
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    errno = 0;
    SHOW(v_malloc(0), 16);
    SHOW(v_malloc(1), 16);
    SHOW(v_malloc(24), 16);
    SHOW(v_malloc(25), 16);
    SHOW(v_malloc(200000), 16);
    SHOW(v_malloc(PTRDIFF_MAX), 16);
    SHOW(v_malloc(SIZE_MAX), 16);
    SHOW(v_malloc(SIZE_MAX - 64), 16);
    SHOW(v_calloc(0, 0), 16);
    SHOW(v_calloc(0, 8), 16);
    SHOW(v_calloc(3, 7), 16);
    SHOW(v_calloc(SIZE_MAX / 2, 3), 16);
    SHOW(v_calloc((size_t)1 << 32, (size_t)1 << 32), 16);
    SHOW(v_realloc(NULL, 0), 16);
    SHOW(v_realloc(NULL, 40), 16);
    SHOW(v_realloc(v_malloc(40), 5000), 16);
    SHOW(v_realloc(v_malloc(5000), 40), 16);
    SHOW(v_reallocarray(NULL, 5, 9), 16);
    SHOW(v_reallocarray(NULL, SIZE_MAX / 2, 9), 16);
    SHOW(v_reallocarray(v_malloc(10), 0, 9), 16);
    SHOW(v_aligned_alloc(64, 100), 64);
    SHOW(v_aligned_alloc(0, 100), 8);
    SHOW(v_aligned_alloc(3, 100), 8);
    SHOW(v_aligned_alloc(48, 100), 8);
    SHOW(v_aligned_alloc(4096, 0), 4096);
    SHOW(v_aligned_alloc(SIZE_MAX / 2 + 1, 100), 8);
    SHOW(v_aligned_alloc(SIZE_MAX, 100), 8);
    SHOW(v_memalign(256, 1000), 256);
    SHOW(v_memalign(100, 1000), 128);
    SHOW(v_memalign(64, SIZE_MAX - 100), 8);
    SHOW(v_valloc(10), 4096);
    SHOW(v_pvalloc(10), 4096);
    SHOW(v_pvalloc(SIZE_MAX - 10), 4096);
    show_failing();
    show_posix_memalign(0, 10);
    show_posix_memalign(3, 10);
    show_posix_memalign(4, 10);
    show_posix_memalign(8, 10);
    show_posix_memalign(24, 10);
    show_posix_memalign(64, 0);
    show_posix_memalign(1024, 10);
    show_posix_memalign(64, SIZE_MAX);
    show_errno();
    printf("malloc_usable_size(NULL): %zu\n", malloc_usable_size(NULL));
    return 0;
}
