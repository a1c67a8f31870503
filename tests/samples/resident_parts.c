/* SPDX-License-Identifier: MIT
 *
 * A program whose resident memory has known parts: resident_parts FILE. It prints them by name, in
 * bytes, and ends while all of them are there. FILE becomes one of 3 MiB, which is mapped.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

enum { SMALL = 100000, SMALL_SIZE = 90, BIG = 5, HOLES = 1000, HOLE_SIZE = 4000 };

static char zeroed[7 * MIB];
static char *small[SMALL], *big[BIG], *hole[HOLES];
static pthread_barrier_t ready;

static void touch(volatile char *p, size_t size)
{
    for (size_t i = 0; i < size; i += 4096) {
        p[i] = 1;
    }
}

/* Keeps 2 MiB of its stack and 1 MiB of its own heap until the program ends. */
static void *keep(void *arg)
{
    char stack[2 * MIB];
    touch(stack, sizeof stack);
    for (int i = 0; i < 1024; i++) {
        char **block = arg;
        block[i] = malloc(1000);
        memset(block[i], 1, 1000);
    }
    pthread_barrier_wait(&ready);
    pause();
    return stack[0] ? arg : NULL;
}

/* A thread that never allocates, so that nobody knows where its stack is. */
static void *keep_quietly(void *arg)
{
    char stack[3 * MIB];
    touch(stack, sizeof stack);
    pthread_barrier_wait(&ready);
    pause();
    return stack[0] ? arg : NULL;
}

static void fill_heap(void)
{
    for (int i = 0; i < SMALL; i++) {
        small[i] = malloc(SMALL_SIZE);
        memset(small[i], 1, SMALL_SIZE);
        if (i % (SMALL / HOLES) == 0) {
            hole[i / (SMALL / HOLES)] = malloc(HOLE_SIZE);
            memset(hole[i / (SMALL / HOLES)], 1, HOLE_SIZE);
        }
    }
    for (int i = 0; i < HOLES; i++) {
        free(hole[i]);
    }
    for (int i = 0; i < BIG; i++) {
        big[i] = malloc(2 * MIB);
        memset(big[i], 1, i % 2 ? 2 * MIB : MIB); /* three of them only half */
    }
}

static int map_file(const char *path)
{
    static char page[4096];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < 3 * MIB; i += sizeof page) {
        if (write(fd, page, sizeof page) != sizeof page) {
            return -1;
        }
    }
    volatile char *p = mmap(NULL, 3 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    volatile char sum = 0;
    for (size_t i = 0; i < 3 * MIB; i += 4096) {
        sum = (char)(sum + p[i]);
    }
    touch(p, MIB); /* these become the process's own */
    return close(fd);
}

/* What glibc takes for blocks on its heaps, the headers too, beyond what was asked for. */
static size_t rounding(char *const *block, size_t n, size_t size)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += malloc_usable_size(block[i]) + sizeof(size_t) - size;
    }
    return sum;
}

int main(int argc, char **argv)
{
    static char buffer[4096];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    static char *of_thread[1024];
    pthread_t thread[2];
    if (argc != 2 || map_file(argv[1]) < 0) {
        return 2;
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 8 * MIB);
    pthread_barrier_init(&ready, NULL, 3);
    pthread_create(&thread[0], &attributes, keep, of_thread);
    pthread_create(&thread[1], &attributes, keep_quietly, NULL);
    pthread_barrier_wait(&ready);
    fill_heap();
    touch(zeroed, sizeof zeroed);
    touch(mmap(NULL, 6 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4 * MIB);
    touch(mmap(NULL, 5 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 5 * MIB);
    printf("{\"live\": %zu, \"untouched\": %zu, \"holes\": %zu, \"mapped\": %zu, \"stack\": %zu, "
           "\"file\": %zu, \"data\": %zu, \"shared\": %zu, \"rounding\": %zu}\n",
           (size_t)SMALL * SMALL_SIZE + 7 * MIB + 1024 * 1000, 3 * MIB, (size_t)HOLES * HOLE_SIZE,
           4 * MIB, 5 * MIB, 2 * MIB, 8 * MIB + sizeof small, 5 * MIB,
           rounding(small, SMALL, SMALL_SIZE) + rounding(of_thread, 1024, 1000));
    return 0;
}
