/* SPDX-License-Identifier: MIT */
#include "resident.h"

#include "figures.h"

static void add(struct resident *r, const struct dump *dump, struct resident_row row)
{
    const double whole = (double)dump->resident_rss_bytes;
    if (dump->resident_rss_bytes)
        row.percent = (row.negative ? -100.0 : 100.0) * (double)row.bytes / whole;
    r->rows[r->n++] = row;
}

struct resident resident_of(const struct dump *dump)
{
    struct resident r = {.n = 0};
    uint64_t rss = dump->resident_rss_bytes, sum = dump->resident_profiler_bytes;
    if (!dump->has_resident)
        return r;
#define X(name, title, text)                                                                       \
    if (dump->resident.name)                                                                       \
        add(&r, dump, (struct resident_row){#name, title, dump->resident.name, false, 0, text});   \
    sum = figures_sum(sum, dump->resident.name);
    DUMP_RESIDENT(X)
#undef X
    add(&r, dump,
        (struct resident_row){"profiler", "Profiler", dump->resident_profiler_bytes, false, 0,
                              "memory of memprof itself"});
    const bool negative = sum > rss;
    const uint64_t rest = negative ? sum - rss : rss - sum;
    add(&r, dump,
        (struct resident_row){"unattributed", "Not attributed", rest, negative, 0,
                              "anonymous memory that nobody is known to have"});
    return r;
}
