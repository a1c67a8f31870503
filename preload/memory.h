/* SPDX-License-Identifier: MIT
 *
 * The process's memory as the kernel accounts it, and which of it is the profiler's own. Reads
 * /proc through a descriptor that is open only for the moment; where that fails figures are 0 and
 * left out of the dump. The profiler's tables are asked for without /proc. Any thread.
 *
 * Not among the profiler's own, since they cannot be told from the host's: stacks that are deeper
 * for our calls, what the loader keeps for each shared object, and pages of the host's libraries
 * that only we touch or write to.
 */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "recorder.h"

struct footprint;
struct footprint_reading;

struct memory {
    uint64_t rss_bytes, peak_rss_bytes;
    uint64_t anonymous_bytes, file_bytes, shared_bytes; /* the parts of RSS */
    uint64_t stack_bytes, virtual_bytes;
    uint64_t profiler_bytes;        /* the sum of its resident parts; of what is mapped if these
                                     * are not known */
    uint64_t profiler_mapped_bytes; /* address space of the pools, resident or not */
    bool parts_known;
    uint64_t part[PARTS];                 /* resident, by enum part */
    uint64_t libraries_bytes;             /* resident of our own shared objects; 0: not known */
    uint64_t dump_bytes;                  /* resident of what is mapped while a dump is written */
    const struct footprint *footprint;    /* NULL: not looked into */
    const struct footprint_reading *kept; /* instead: an earlier look; NULL: there was none */
};

void memory_read(struct memory *m, const struct recorder *r);
/* Counts SIZE bytes at START, which are mapped for writing the dump, among the profiler's own. */
void memory_add_dump(struct memory *m, const void *start, size_t size);
void memory_write(struct json *j, const struct memory *m);

/* What the process has of memory now, 0 each if that cannot be read. */
struct memory_pages {
    uint64_t size_bytes; /* address space */
    uint64_t rss_bytes;
    uint64_t data_bytes; /* private and writable, with stacks */
};
void memory_pages(struct memory_pages *p);
void memory_pages_of(int pid, struct memory_pages *p); /* of process PID; 0: this one */

/* Resident bytes now; 0 if that cannot be read. Cheaper than memory_read. */
uint64_t memory_rss(void);

/* Bytes of memory and swap that the machine has. */
uint64_t memory_of_machine(void);

/* The present name of thread TID of this process; "" if it is gone. */
void memory_thread_name(int tid, char *name, size_t size);

#endif
