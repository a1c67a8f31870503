/* SPDX-License-Identifier: MIT
 *
 * shrinks THREADS KIB: fills a heap of a million blocks of 100 bytes, frees all but one in 1000 of
 * them, and goes on slowly, while THREADS threads allocate and free blocks of 100 bytes as fast as
 * they can, until no more than KIB KiB are resident, but not for ever. Prints the resident KiB when
 * the heap was full, and at the end. Keeps 1000 blocks. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 1000000, KEPT = 1000, THREADS_MAX = 8, PAUSES = 20000, HELD = 64 };

static void *block[BLOCKS];
static _Atomic int stop;

static long resident_kib(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        exit(1);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void *churn(void *arg)
{
    void *held[HELD] = {0};
    unsigned seed = (unsigned)(size_t)arg;
    while (!atomic_load(&stop)) {
        seed = seed * 1664525u + 1013904223u;
        void **p = &held[seed >> 26];
        free(*p);
        *p = malloc(100);
    }
    for (int i = 0; i < HELD; i++)
        free(held[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS_MAX];
    if (argc != 3)
        return 2;
    int threads = atoi(argv[1]);
    long enough = atol(argv[2]);
    if (threads < 0 || threads > THREADS_MAX)
        return 2;
    for (int i = 0; i < BLOCKS; i++)
        block[i] = malloc(100);
    long full = resident_kib();
    for (int i = 0; i < BLOCKS; i++) {
        if (i % (BLOCKS / KEPT) != 0)
            free(block[i]);
    }
    for (int i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, churn, (void *)(size_t)(i + 1));
    for (int i = 0; i < PAUSES && (i % 50 != 0 || resident_kib() > enough); i++) {
        void *p = malloc(10);
        __asm__ volatile("" : "+r"(p)::"memory");
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        free(p);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    printf("%ld %ld\n", full, resident_kib());
    return 0;
}
