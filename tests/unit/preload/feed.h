/* SPDX-License-Identifier: MIT
 *
 * Events for a recorder, as the hooks hand them in: under the guard, from a few places in the code
 * that tests tell apart. Addresses are made up: a recorder never looks at the memory of blocks.
 */
#ifndef FEED_H
#define FEED_H

#include "recorder.h"

enum { FEED_PLACES = 6 };

/* The return address into each place, after its first event. */
extern _Atomic uintptr_t feed_ip[FEED_PLACES];

/* These return false where the thread has no state: nothing could be recorded. */
bool feed_alloc(struct recorder *r, int place, enum site_function function, uintptr_t address,
                uint64_t size);
/* The call yielded no block. */
bool feed_failure(struct recorder *r, int place, enum site_function function);
bool feed_free(struct recorder *r, uintptr_t address);
/* FROM becomes TO, of SIZE bytes; if FAILS it stays. */
bool feed_realloc(struct recorder *r, int place, uintptr_t from, uintptr_t to, uint64_t size,
                  bool fails);

#endif
