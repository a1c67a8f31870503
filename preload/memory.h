/* SPDX-License-Identifier: MIT
 *
 * The process's memory as the kernel accounts it. Reads /proc through a descriptor that is open
 * only for the moment; where that fails figures are 0 and left out of the dump. Any thread.
 */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "recorder.h"

struct memory {
    uint64_t rss_bytes, peak_rss_bytes;
    uint64_t anonymous_bytes, file_bytes, shared_bytes; /* the parts of RSS */
    uint64_t stack_bytes, virtual_bytes;
    uint64_t profiler_bytes; /* address space of the profiler's own tables, resident or not */
};

void memory_read(struct memory *m, const struct recorder *r);
void memory_write(struct json *j, const struct memory *m);

/* Resident bytes now; 0 if that cannot be read. Cheaper than memory_read. */
uint64_t memory_rss(void);

/* The present name of thread TID of this process; "" if it is gone. */
void memory_thread_name(int tid, char *name, size_t size);

#endif
