/* SPDX-License-Identifier: MIT
 *
 * What libshim.so offers to the samples and writes for the tests.
 *
 * libshim.so is an oracle: preloaded, alone or above the profiler, it logs every call of the
 * allocation functions and knows nothing else. It writes records, in no particular order, to the
 * file that SHIM_LOG names; a record of zeros is an unused one. `begin` and `end` number the starts
 * and ends of all calls of all threads in one sequence, so that whatever happened inside a call
 * happened between these two. The mappings of the process at exit go to SHIM_LOG with ".maps".
 */
#ifndef SAMPLES_SHIM_H
#define SAMPLES_SHIM_H

#include <stdint.h>

enum shim_op { SHIM_ALLOC = 1, SHIM_FREE = 2, SHIM_REALLOC = 3 };

struct shim_record {
    uint64_t begin, end;
    uint64_t caller; /* return address of the call */
    uint64_t old;    /* block given to free or realloc */
    uint64_t new;    /* block returned, 0 if none */
    uint64_t size;   /* bytes requested */
    uint32_t tid;
    uint16_t op;
    uint16_t function;  /* index into the names in tests/e2e/oracle.py */
    uint32_t context;   /* what shim_context returned at the call */
    uint32_t alignment; /* as asked for, 0 if it was not */
};

/* A sample may define these (and export them to the shim). */

/* Returns any number that tells stacks apart which share their innermost frame. */
extern uint32_t shim_context(void) __attribute__((weak));

/* Called after each allocation, before each free (NEW is NULL) and after each realloc. Calls of
 * allocation functions from inside are neither logged nor told. */
extern void shim_event(const void *caller, const void *old, const void *new, uint64_t size)
    __attribute__((weak));

#endif
