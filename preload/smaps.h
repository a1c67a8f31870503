/* SPDX-License-Identifier: MIT
 *
 * Reads /proc/self/smaps area by area through a buffer of its own, without allocating: where each
 * area lies, what it maps, and how much of it is resident. One thread at a time for each struct;
 * others may be mapping meanwhile, of which then some is told and some is not.
 */
#ifndef PRELOAD_SMAPS_H
#define PRELOAD_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smaps_area {
    uintptr_t start, end;
    bool readable, writable, shared;
    bool reserved; /* not mapped with MAP_NORESERVE, as the kernel tells it */
    bool file;     /* has an inode: a file, or memory that is shared as one */
    char name[64]; /* of the file, as far as it fits, or what the kernel calls it; "": none */
    uint64_t rss_bytes;
    uint64_t anonymous_bytes; /* of that: pages that are no file's (any more) */
};

struct smaps {
    int fd;
    size_t at, used; /* in the buffer */
    bool more;       /* `next` is there */
    struct smaps_area next;
    char buffer[8192];
};

/* Returns false if it cannot be read; then there is nothing to close. */
bool smaps_open(struct smaps *s);
/* The next area, by address. Returns false after the last one. */
bool smaps_next(struct smaps *s, struct smaps_area *area);
void smaps_close(struct smaps *s);

#endif
