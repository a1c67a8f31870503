/* SPDX-License-Identifier: MIT
 *
 * The live blocks of a stretch of addresses, in the order of their 32 bytes of address. Takes no
 * lock and touches no page of the table that nobody wrote to. Other threads may be changing the
 * table: what they change meanwhile is told or not. Any thread, in a signal handler.
 */
#ifndef PRELOAD_LIVE_WALK_H
#define PRELOAD_LIVE_WALK_H

#include <stdint.h>

#include "live.h"

typedef void live_visit(void *arg, uintptr_t address, const struct live_block *block);

/* Calls VISIT for each block that begins from START up to END, without its birth. PAGEMAP: see
 * resident.h. */
void live_walk(const struct live *l, int pagemap, uintptr_t start, uintptr_t end, live_visit *visit,
               void *arg);

#endif
