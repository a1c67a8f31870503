/* SPDX-License-Identifier: MIT
 *
 * How much of a stretch of memory is resident, page by page. Two ways, since neither does for all:
 * mincore tells whose pages are there of anonymous memory, but of a file's what the page cache
 * holds for anyone; /proc/self/pagemap tells what this process has mapped of a file, but is not
 * always there (no /proc, a process that may not be dumped). A page that was only ever read is the
 * kernel's shared page of zeros, which is not in the RSS, but counts here.
 *
 * Allocates nothing, takes no lock; little stack. Any thread, in a signal handler. START and SIZE
 * need not be multiples of a page: every page that they touch counts.
 */
#ifndef PRELOAD_RESIDENT_H
#define PRELOAD_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resident bytes of anonymous memory that is mapped; -1 if the kernel does not tell. */
int64_t resident_anonymous(const void *start, size_t size);

/* A descriptor of pagemap for what follows; negative if there is none, which these and
 * resident_close take for an answer, too. */
int resident_open(void);
void resident_close(int pagemap);

/* Resident bytes of any memory, files' too, as part of this process's RSS; holes count nothing. -1
 * if it cannot be told. */
int64_t resident_mapped(int pagemap, const void *start, size_t size);

/* An area of so many pages that they are not looked at: the resident ones are taken to be spread
 * evenly. Its resident bytes, and its size; 0: there is none. */
struct resident_area {
    uint64_t bytes, size;
};

static inline uint64_t resident_share(const struct resident_area *area, uint64_t size)
{
    return (uint64_t)((unsigned __int128)area->bytes * size / area->size);
}

/* Which of N pages from START on are resident, files' too. Returns false if it cannot be told. */
bool resident_pages(int pagemap, const void *start, bool *there, size_t n);

/* Which of N pages from START on may hold anything: were ever read or written, be they resident or
 * swapped out. All of them, if it cannot be told. */
void resident_touched(int pagemap, const void *start, bool *touched, size_t n);

#endif
