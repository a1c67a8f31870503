/* SPDX-License-Identifier: MIT
 *
 * neighbours ROUNDS: of two blocks of 8 bytes that lie in the same 32 each is given to a thread,
 * which frees it and allocates it again, over and over, both at once. Prints how often a thread had
 * the very block again that it had freed: always, with allocators that keep what a thread frees for
 * that thread. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 4096

static long rounds;
static atomic_long met;
static pthread_barrier_t both;

static void *take(void)
{
    void *p = malloc(8);
    __asm__ volatile("" : "+r"(p)::"memory");
    if (!p)
        abort();
    return p;
}

static void *again(void *own)
{
    long same = 0;
    pthread_barrier_wait(&both);
    for (long i = 0; i < rounds; i++) {
        const uintptr_t before = (uintptr_t)own;
        free(own);
        own = take();
        same += (uintptr_t)own == before;
    }
    free(own);
    met += same;
    return NULL;
}

static int by_address(const void *a, const void *b)
{
    const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static uintptr_t block[BLOCKS];
    pthread_t thread[2];
    rounds = argc > 1 ? atol(argv[1]) : 1;
    for (int i = 0; i < BLOCKS; i++)
        block[i] = (uintptr_t)take();
    qsort(block, BLOCKS, sizeof *block, by_address);
    int i = 1;
    while (i < BLOCKS && block[i - 1] / 32 != block[i] / 32)
        i++;
    pthread_barrier_init(&both, NULL, 2);
    for (int n = 0; n < 2; n++) {
        void *own = i < BLOCKS ? (void *)block[i - n] : take();
        if (pthread_create(&thread[n], NULL, again, own) != 0)
            abort();
    }
    for (int n = 0; n < 2; n++)
        pthread_join(thread[n], NULL);
    for (int n = 0; n < BLOCKS; n++)
        if (i == BLOCKS || (n != i && n != i - 1))
            free((void *)block[n]);
    printf("%s %ld\n", i < BLOCKS ? "near" : "far", met);
    return 0;
}
