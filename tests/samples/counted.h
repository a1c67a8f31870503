/* SPDX-License-Identifier: MIT
 *
 * For samples that print their own expected totals: counted allocation, and one line of JSON about
 * it on standard output, written without stdio, which would allocate. The counts are of this
 * process since it began or since counted_reset; not for several threads. */
#ifndef SAMPLES_COUNTED_H
#define SAMPLES_COUNTED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    uint64_t alloc_count, alloc_bytes, free_count, freed_bytes;
} counted;

static inline void counted_reset(void)
{
    memset(&counted, 0, sizeof counted);
}

static inline void *counted_malloc(size_t size)
{
    void *p = malloc(size);
    if (!p)
        abort();
    __asm__ volatile("" : "+r"(p)::"memory");
    counted.alloc_count++;
    counted.alloc_bytes += size;
    return p;
}

/* Frees P, of which SIZE bytes had been requested. */
static inline void counted_free(void *p, size_t size)
{
    __asm__ volatile("" : "+r"(p)::"memory");
    free(p);
    counted.free_count++;
    counted.freed_bytes += size;
}

/* COUNT blocks of SIZE bytes that stay. */
static inline void counted_keep(int count, size_t size)
{
    for (int i = 0; i < count; i++)
        counted_malloc(size);
}

static inline void counted_print(const char *name)
{
    char text[512];
    int n =
        snprintf(text, sizeof text,
                 "{\"name\": \"%s\", \"pid\": %d, \"totals\": {\"alloc_count\": %llu, "
                 "\"alloc_bytes\": %llu, \"free_count\": %llu, \"freed_bytes\": %llu}}\n",
                 name, (int)getpid(), (unsigned long long)counted.alloc_count,
                 (unsigned long long)counted.alloc_bytes, (unsigned long long)counted.free_count,
                 (unsigned long long)counted.freed_bytes);
    if (write(1, text, (size_t)n) != n)
        abort();
}

#endif
