/* SPDX-License-Identifier: MIT
 *
 * Processes that are killed with a recorder in a vault, and what is salvaged of it.
 */
#ifndef KILLING_H
#define KILLING_H

#include "salvage.h"

#define KILLING_BASE ((uintptr_t)0x600000000000)
#define KILLING_BLOCKS 20
#define KILLING_SIZE 100

extern char killing_out[]; /* where the dump goes */

/* Of a test of cmocka's. */
int killing_setup(void **state);
int killing_teardown(void **state);

/* A process with KILLING_BLOCKS blocks of KILLING_SIZE bytes, of which the first half were freed,
 * that does ACT (its recorder, STEP) and is killed. Returns its vault, a descriptor. */
int killing_at(void (*act)(struct recorder *r, int step), int step);

/* Has the dump written from VAULT, which is closed, in a process of its own. Returns the enum
 * salvage_result; -1 if that process died. */
int killing_salvage(int vault);

#endif
