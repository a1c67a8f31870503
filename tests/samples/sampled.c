/* SPDX-License-Identifier: MIT
 *
 * sampled sizes|threads|realloc|fork|pairs: allocations of known numbers and sizes, each size from
 * a place of its own, and every second block of each freed again.
 *
 * sizes: all of them, by one thread. threads: a quarter of them by each of four threads; the main
 * thread frees. realloc: blocks of 50 bytes that grow to 5000. fork: as sizes, then a child that
 * does the same once more and frees all that it inherited. pairs COUNT: nothing but COUNT pairs of
 * malloc and free in the function `pairs`.
 *
 * Prints the sizes, how many blocks there were of each, and how many were freed, in each process.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

/* SIZE bytes, COUNT times. */
#define SIZES(X) X(0, 400000) X(24, 60000) X(100, 24000) X(1000, 4000) X(5000, 1600) X(40000, 400)

enum {
#define X(size, count) COUNT_##size = (count),
    SIZES(X)
#undef X
};

#define X(size, count)                                                                             \
    static NOINLINE void *place_##size(void)                                                       \
    {                                                                                              \
        void *p = malloc(size);                                                                    \
        __asm__ volatile("" : "+r"(p)::"memory");                                                  \
        return p;                                                                                  \
    }
SIZES(X)
#undef X

static struct {
    void **block;
    size_t n;
} kept[4];

static void print(const char *name, int size, int count, int freed)
{
    char text[200];
    int n = snprintf(text, sizeof text, "%s %d %d %d\n", name, size, count, freed);
    if (write(1, text, (size_t)n) != n)
        abort();
}

/* One in SHARE of all, kept as number WHO's. */
static void allocate(int who, int share)
{
#define X(size, count)                                                                             \
    for (int i = 0; i < (count) / share; i++)                                                      \
        kept[who].block[kept[who].n++] = place_##size();
    SIZES(X)
#undef X
}

static void free_every(int who, size_t step)
{
    for (size_t i = 0; i < kept[who].n; i += step) {
        free(kept[who].block[i]);
        kept[who].block[i] = NULL;
    }
}

static void *thread(void *arg)
{
    allocate((int)(intptr_t)arg, 4);
    return NULL;
}

static void print_sizes(const char *name)
{
#define X(size, count) print(name, size, count, (count) / 2);
    SIZES(X)
#undef X
}

static void run_threads(void)
{
    pthread_t id[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&id[i], NULL, thread, (void *)(intptr_t)i) != 0)
            abort();
    for (int i = 0; i < 4; i++)
        pthread_join(id[i], NULL);
    for (int i = 0; i < 4; i++)
        free_every(i, 2);
}

static NOINLINE void *grow(void *p)
{
    p = realloc(p, 5000);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

static NOINLINE void *small(void)
{
    void *p = malloc(50);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

static void run_realloc(void)
{
    enum { BLOCKS = 4000 };
    for (int i = 0; i < BLOCKS; i++) {
        void *p = grow(small());
        if (i % 2)
            free(p);
    }
    print("realloc", 50, BLOCKS, BLOCKS);
    print("realloc", 5000, BLOCKS, BLOCKS / 2);
}

static NOINLINE void pairs(long count)
{
    void *ring[64] = {NULL};
    for (long i = 0; i < count; i++) {
        free(ring[i % 64]);
        ring[i % 64] = malloc((size_t)(24 + i * 7 % 128));
        __asm__ volatile("" ::"r"(ring) : "memory");
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "sizes";
    size_t all = 0;
#define X(size, count) all += (count);
    SIZES(X)
#undef X
    for (int i = 0; i < 4; i++)
        kept[i].block = malloc(2 * all * sizeof(void *));
    if (strcmp(mode, "pairs") == 0) {
        pairs(atol(argv[2]));
    } else if (strcmp(mode, "realloc") == 0) {
        run_realloc();
    } else if (strcmp(mode, "threads") == 0) {
        run_threads();
        print_sizes(mode);
    } else {
        allocate(0, 1);
        free_every(0, 2);
        print_sizes("parent");
        if (strcmp(mode, "fork") == 0 && fork() == 0) {
            free_every(0, 1);
            kept[0].n = 0;
            allocate(0, 1);
            free_every(0, 2);
            print_sizes("child");
            return 0;
        }
        wait(NULL);
    }
    return 0;
}
