/* SPDX-License-Identifier: MIT
 *
 * Storage that is freed together: what a dump's strings and arrays live in. Strings are interned,
 * so that equal strings are the same pointer and grouping may compare pointers. Does not fail
 * (memory.h). Not thread-safe.
 */
#ifndef REPORT_POOL_H
#define REPORT_POOL_H

#include <stddef.h>

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool);

/* COUNT times SIZE bytes of zero, aligned for any type; they live as long as POOL. */
void *pool_zero(struct pool *pool, size_t count, size_t size);

/* SIZE bytes, not cleared and not aligned; they live as long as POOL. */
void *pool_bytes(struct pool *pool, size_t size);

/* The one copy of TEXT in POOL. */
const char *pool_intern(struct pool *pool, const char *text);

#endif
