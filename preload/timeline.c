/* SPDX-License-Identifier: MIT */
#include "timeline.h"

void timeline_init(struct timeline *t, struct arena_pool *pool)
{
    t->row = arena_pool_piece(pool, TIMELINE_ROWS * sizeof *t->row);
    t->n = 0;
    t->interval_ns = TIMELINE_FIRST_INTERVAL_NS;
}

void timeline_add(struct timeline *t, const struct timeline_row *row)
{
    if (!t->row || (t->n > 0 && row->elapsed_ns < t->row[t->n - 1].elapsed_ns + t->interval_ns)) {
        return;
    }
    if (t->n == TIMELINE_ROWS) {
        for (size_t i = 0; i < TIMELINE_ROWS / 2; i++) {
            t->row[i] = t->row[2 * i];
        }
        t->n = TIMELINE_ROWS / 2;
        t->interval_ns *= 2;
    }
    t->row[t->n++] = *row;
}
