/* SPDX-License-Identifier: MIT
 *
 * extremes WHAT N: does N times what programs hardly ever do so often, or so far away.
 *
 *     events    malloc and free, from one place
 *     live      16 bytes that stay; every second one is freed if N is odd
 *     far       blocks of 1 TiB, of which one page is touched; every second one is freed
 *     scatter   blocks all over the address space, freed in another order but for the last tenth
 *     deep      frames of recursion, then 1000 allocations at the bottom and 1000 half-way up
 *
 * "far" and "scatter" need libfar_malloc.so. Prints what came of it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "far_malloc.h"

#define USE(p) __asm__ volatile("" : "+r"(p)::"memory")
#define AT_DEPTH 1000
#define FRAME 256 /* bytes that one level of recursion takes, at most */

static size_t count;

static __attribute__((noinline)) void *take(size_t size)
{
    void *p = malloc(size);
    USE(p);
    if (!p) {
        puts("no memory");
        exit(4);
    }
    return p;
}

static void events(void)
{
    for (size_t i = 0; i < count; i++)
        free(take(24));
    printf("%zu events\n", count);
}

static void live(void)
{
    for (size_t i = 0; i < count; i++) {
        void *p = take(16);
        if (count % 2 && i % 2)
            free(p);
    }
    printf("%zu blocks\n", count);
}

static void far(void)
{
    for (size_t i = 0; i < count; i++) {
        char *p = take(FAR_SIZE);
        p[FAR_SIZE / 2] = 1;
        if (i % 2)
            free(p);
    }
    char *p = realloc(take(FAR_SIZE), 2 * FAR_SIZE);
    USE(p);
    if (!p)
        exit(4);
    p[2 * FAR_SIZE - 1] = 1;
    free(p);
    printf("%zu blocks\n", count);
}

static void scatter(void)
{
    void **block = take(count * sizeof *block);
    for (size_t i = 0; i < count; i++)
        block[i] = take(SCATTER_SIZE);
    /* Through all of them, in steps that have no factor in common with their number. */
    const size_t step = 7919;
    if (count % step == 0)
        exit(5);
    for (size_t i = 0; i < count - count / 10; i++)
        free(block[(i + 1) * step % count]);
    printf("%zu blocks\n", count);
}

static __attribute__((noinline)) void at_depth(void)
{
    for (int i = 0; i < AT_DEPTH; i++)
        free(take(33));
}

/* Not to be made a loop of. */
static __attribute__((noinline)) size_t descend(size_t depth)
{
    size_t below = 0;
    if (depth > 0)
        below = descend(depth - 1);
    if (depth == 0 || depth == count / 2)
        at_depth();
    __asm__ volatile("" : "+r"(below));
    return below + 1;
}

static void *in_thread(void *arg)
{
    printf("%zu frames\n", descend(count));
    return arg;
}

static void deep(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, (count + 4096) * FRAME) != 0 ||
        pthread_create(&thread, &attributes, in_thread, NULL) != 0)
        exit(6);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"events", events}, {"live", live}, {"far", far}, {"scatter", scatter}, {"deep", deep},
    };
    count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    for (size_t i = 0; argc > 2 && i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(argv[1], all[i].name) == 0) {
            all[i].run();
            return 0;
        }
    }
    return 2;
}
