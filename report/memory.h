/* SPDX-License-Identifier: MIT
 *
 * Allocation that does not fail: without memory the tool prints one line and ends (die.h), since no
 * report can be had then. Sizes are checked for overflow. Free with free().
 */
#ifndef REPORT_MEMORY_H
#define REPORT_MEMORY_H

#include <stddef.h>

/* What is read at once, and taken at once where many small pieces are needed. Less of it where an
 * input's memory is measured: then what it takes shows beside these. */
#ifndef MEM_CHUNK
#define MEM_CHUNK ((size_t)256 << 10)
#endif

/* SIZE bytes, not initialised; SIZE 0 is 1. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* COUNT times SIZE bytes of zero. */
void *mem_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Makes the array at P, of *CAPACITY elements of SIZE bytes, hold at least NEED. Growth is
 * geometric. */
void *mem_grow(void *p, size_t *capacity, size_t need, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));

char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));

#endif
