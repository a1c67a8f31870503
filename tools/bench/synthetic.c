/* SPDX-License-Identifier: MIT
 *
 * Programs that do nothing but allocate, each in one way that is hard for a profiler:
 *
 *     synthetic random-path COUNT PATHS THREADS   malloc and free below a random path
 *     synthetic deep COUNT PATHS                  the same below a stack of 100 more frames
 *     synthetic producer-consumer COUNT - PAIRS   one thread allocates, another frees
 *     synthetic realloc-growth COUNT              buffers that grow by half, side by side
 *     synthetic live COUNT                        so many blocks at once
 *
 * Prints a checksum.
 */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "synthetic.h"

#define DEEP_FRAMES 100
#define DEEP_FEW 64   /* so many paths or fewer: short ones, */
#define DEEP_LEVELS 3 /* of so many levels */

void *synthetic_allocate(size_t size)
{
    void *p = malloc(size);
    if (!p) {
        fputs("synthetic: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

struct deep {
    const struct synthetic_arguments *arguments;
    uint64_t seed, sum;
};

static void deep_leaf(void *context)
{
    struct deep *d = context;
    size_t size = 16 + paths_random(&d->seed) % 1000;
    volatile unsigned char *p = synthetic_allocate(size);
    p[0] = (unsigned char)size;
    d->sum += p[0] + size;
    free((void *)p);
}

/* Stays below its frames while it allocates, as parsers and interpreters do. */
static __attribute__((noinline)) void deep_descend(struct deep *d, unsigned frames)
{
    if (frames > 0) {
        deep_descend(d, frames - 1);
    } else {
        for (uint64_t i = 0; i < d->arguments->count; i++) {
            unsigned levels;
            uint64_t number = paths_random(&d->seed) % d->arguments->paths;
            uint64_t path = paths_make(number, &levels);
            paths_walk(path, d->arguments->paths > DEEP_FEW ? levels : DEEP_LEVELS, deep_leaf, d);
        }
    }
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static uint64_t deep(const struct synthetic_arguments *arguments)
{
    struct deep d = {.arguments = arguments, .seed = 1};
    deep_descend(&d, DEEP_FRAMES);
    return d.sum;
}

#define BUFFERS 64
#define BUFFER_MAX ((size_t)1 << 16)

static uint64_t realloc_growth(const struct synthetic_arguments *arguments)
{
    struct {
        unsigned char *bytes;
        size_t size;
    } buffer[BUFFERS] = {{0}};
    uint64_t seed = 1, sum = 0;
    /* Otherwise most of the time goes to the kernel, which takes the heap's end and gives it back.
     */
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    for (uint64_t i = 0; i < arguments->count; i++) {
        size_t b = paths_random(&seed) % BUFFERS, old = buffer[b].size;
        if (old > BUFFER_MAX) {
            sum += buffer[b].bytes[0] + buffer[b].bytes[old - 1];
            free(buffer[b].bytes);
            buffer[b].bytes = NULL;
            old = 0;
        }
        size_t size = old + old / 2 + 16;
        unsigned char *bytes = realloc(buffer[b].bytes, size);
        if (!bytes) {
            fputs("synthetic: out of memory\n", stderr);
            exit(1);
        }
        memset(bytes + old, (int)(i & 255), size - old);
        buffer[b].bytes = bytes;
        buffer[b].size = size;
    }
    for (size_t b = 0; b < BUFFERS; b++) {
        sum += buffer[b].bytes ? buffer[b].bytes[0] + buffer[b].size : 0;
        free(buffer[b].bytes);
    }
    return sum;
}

static uint64_t live(const struct synthetic_arguments *arguments)
{
    struct node {
        struct node *next;
        uint64_t value;
    } *list = NULL;
    uint64_t seed = 1, sum = 0;
    for (uint64_t i = 0; i < arguments->count; i++) {
        uint64_t random = paths_random(&seed);
        struct node *node = synthetic_allocate(sizeof *node + random % 32);
        *node = (struct node){list, random >> 8};
        list = node;
    }
    while (list) {
        struct node *next = list->next;
        sum += list->value;
        free(list);
        list = next;
    }
    return sum;
}

static const struct {
    const char *name;
    synthetic_workload *run;
} workloads[] = {
    {"random-path", synthetic_random_path},
    {"deep", deep},
    {"producer-consumer", synthetic_producer_consumer},
    {"realloc-growth", realloc_growth},
    {"live", live},
};

static uint64_t number(int argc, char **argv, int i)
{
    uint64_t n = i < argc ? strtoull(argv[i], NULL, 10) : 1;
    return n ? n : 1;
}

int main(int argc, char **argv)
{
    const struct synthetic_arguments arguments = {
        .count = number(argc, argv, 2),
        .paths = number(argc, argv, 3),
        .threads = number(argc, argv, 4),
    };
    for (size_t i = 0; argc > 2 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) == 0) {
            printf("%llu\n", (unsigned long long)workloads[i].run(&arguments));
            return 0;
        }
    }
    fputs("usage: synthetic WORKLOAD COUNT [PATHS [THREADS]]\n", stderr);
    return 2;
}
