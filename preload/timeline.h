/* SPDX-License-Identifier: MIT
 *
 * Live bytes and RSS over time, in bounded memory: when the rows are full every second one is
 * dropped and the interval doubles. Rows are taken on the way through an allocation, by no thread
 * of our own, so a quiet stretch has none. Under the recorder's lock.
 */
#ifndef PRELOAD_TIMELINE_H
#define PRELOAD_TIMELINE_H

#include <stdint.h>

#include "arena.h"

#define TIMELINE_ROWS 1024
#define TIMELINE_FIRST_INTERVAL_NS 4000000u

struct timeline_row {
    uint64_t elapsed_ns, live_bytes, live_count, rss_bytes;
};

struct timeline {
    struct timeline_row *row; /* TIMELINE_ROWS; NULL without memory: no rows are kept */
    uint32_t n;
    uint64_t interval_ns;
};

void timeline_init(struct timeline *t, struct arena_pool *pool);

/* Takes ROW if an interval has passed since the last one. */
void timeline_add(struct timeline *t, const struct timeline_row *row);

#endif
