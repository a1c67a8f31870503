/* SPDX-License-Identifier: MIT
 *
 * libsized.so: an allocator below the profiler that has free_sized and free_aligned_sized, of which
 * it counts the calls. With MAIN: a program that frees by them, and prints the counts. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef MAIN

void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
unsigned long sized_calls[2];

/* free as whoever comes next has it, not the profiler's. */
static void pass_on(void *block)
{
    static void (*next)(void *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "free");
    next(block);
}

void free_sized(void *block, size_t size)
{
    sized_calls[0] += size > 0;
    pass_on(block);
}

void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    sized_calls[1] += alignment > 0 && size > 0;
    pass_on(block);
}

#else

int main(void)
{
    void (*free_sized)(void *, size_t), (*free_aligned_sized)(void *, size_t, size_t);
    const unsigned long *calls = dlsym(RTLD_DEFAULT, "sized_calls");
    *(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    for (size_t i = 1; i <= 1000; i++) {
        void *p = malloc(i), *q = aligned_alloc(64, 64 * i);
        __asm__ volatile("" : "+r"(p), "+r"(q)::"memory");
        free_sized(p, i);
        free_aligned_sized(q, 64, 64 * i);
    }
    free_sized(NULL, 0);
    free_aligned_sized(NULL, 64, 0);
    printf("%lu %lu\n", calls ? calls[0] : 0, calls ? calls[1] : 0);
    return 0;
}

#endif
