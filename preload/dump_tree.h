/* SPDX-License-Identifier: MIT
 *
 * The dump's calling-context tree, and what its addresses are in: the members `modules`, `frames`,
 * `signal_frames` and `interpreted`. Modules and frames are never changed once they have a number,
 * so those that were counted at the beginning of a dump can be read while others are added.
 * Owns nothing. Runs as dump_write does; what cannot be written is J's to tell.
 */
#ifndef PRELOAD_DUMP_TREE_H
#define PRELOAD_DUMP_TREE_H

#include <stdint.h>

#include "json.h"
#include "recorder.h"

/* The first N of each: see struct dump_sites. */
void dump_tree_modules(struct json *j, const struct recorder *r, uint32_t n);
void dump_tree_frames(struct json *j, const struct recorder *r, uint32_t n);

#endif
