/* SPDX-License-Identifier: MIT
 *
 * Between the parts of salvage: reading (salvage.c), checking (salvage_check.c) and mending
 * (salvage_mend.c).
 */
#ifndef PRELOAD_SALVAGE_PARTS_H
#define PRELOAD_SALVAGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder.h"
#include "salvage.h"

#define SALVAGE_SECTION offsetof(struct recorder, lock)

/* Whether H can be one of this build, of a file of FILE_SIZE bytes, whose process has not written
 * its last dump. */
enum salvage_result salvage_check_header(const struct vault_header *h, uint64_t file_size);

/* What is mapped here of the vault. */
struct salvage_map {
    /* Before SIZE bytes at P are written to: makes them this process's own. NULL: all are. */
    bool (*own)(const void *p, size_t size);
    uint32_t n;
    struct vault_extent extent[VAULT_EXTENTS];
    uint64_t bytes; /* of all */
};

/* Whether SIZE bytes at P are mapped, and P is aligned as all our records are. */
bool salvage_holds(const struct salvage_map *m, const void *p, uint64_t size);

/* Whether every pointer and index that a dump of R follows leads to what it should. Leaves out what
 * was being entered. */
bool salvage_check(const struct salvage_map *m, struct recorder *r);

static inline bool salvage_own(const struct salvage_map *m, const void *p, size_t size)
{
    return !m->own || m->own(p, size);
}

/* Makes whole what stopped half-way, after salvage_check; says in *EXACT whether the figures are
 * exact up to the events that were in flight. Returns false without memory. */
bool salvage_mend(const struct salvage_map *m, struct recorder *r, bool *exact);

#endif
