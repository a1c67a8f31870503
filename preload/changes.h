/* SPDX-License-Identifier: MIT
 *
 * Whether a process has counted anything since: a sum over all that an event changes first or last,
 * which is the same again only if there was no event meanwhile, nor is one going on that was not
 * going on before. For the process itself when it writes a dump, and for its warden (warden.h), who
 * reads the same memory.
 *
 * Reads what other threads may be changing; no lock, any time.
 */
#ifndef PRELOAD_CHANGES_H
#define PRELOAD_CHANGES_H

#include <stdint.h>

#include "recorder.h"

/* The sum, not 0. WITHIN: pointers that lead out of what is mapped here of that vault are not
 * followed, and the result is 0: more was mapped just now, or memory is damaged. NULL: all are. */
uint64_t changes_sum(const struct recorder *r, const struct vault *within);

#endif
