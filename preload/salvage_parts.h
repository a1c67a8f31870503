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

/* What is mapped here of the vault. */
struct salvage_map {
    uint32_t n;
    struct vault_extent extent[VAULT_EXTENTS];
    uint64_t bytes; /* of all */
};

/* Whether SIZE bytes at P are mapped, and P is aligned as all our records are. */
bool salvage_holds(const struct salvage_map *m, const void *p, uint64_t size);

/* Whether every pointer and index that a dump of R follows leads to what it should. Leaves out what
 * was being entered. */
bool salvage_check(const struct salvage_map *m, struct recorder *r);

/* Makes whole what stopped half-way, after salvage_check. Returns whether the figures are exact up
 * to the events that were in flight. */
bool salvage_mend(struct recorder *r);

#endif
