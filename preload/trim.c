/* SPDX-License-Identifier: MIT */
#include "trim.h"

#include "live.h"

#define LONG_NS ((uint64_t)1000000000)
#define WORTH_BYTES ((uint64_t)4 << 20) /* a heap of so much less frees half a MiB of the table */

void trim_look(struct trim *t, struct live *l, uint64_t live_bytes, uint64_t elapsed_ns,
               uint64_t budget)
{
    if (live_bytes > t->high_bytes) {
        t->high_bytes = live_bytes;
    }
    if (live_bytes > t->high_bytes / 2 || t->high_bytes - live_bytes < WORTH_BYTES) {
        t->low_since = 0;
    } else if (t->low_since == 0) {
        t->low_since = elapsed_ns;
        t->cursor = 0;
    } else if (elapsed_ns - t->low_since >= LONG_NS && live_trim(l, &t->cursor, budget)) {
        t->high_bytes = live_bytes;
        t->low_since = 0;
    }
}
