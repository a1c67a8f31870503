/* SPDX-License-Identifier: MIT */
#include "figures.h"
#include "histogram.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

uint64_t figures_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void figures_add(struct figures *to, const struct figures *from)
{
#define X(name) to->c.name = figures_sum(to->c.name, from->c.name);
    DUMP_COUNTERS(X)
#undef X
#define X(name) to->variance.name += from->variance.name;
    DUMP_ERRORS(X)
#undef X
    to->max_live_bytes = figures_sum(to->max_live_bytes, from->max_live_bytes);
    if (to->threads < from->threads)
        to->threads = from->threads;
    for (size_t i = 0; to->lifetime && from->lifetime && i < MEMPROF_HISTOGRAM_BUCKETS; i++)
        to->lifetime[i] = figures_sum(to->lifetime[i], from->lifetime[i]);
}

void figures_keep_lifetimes(struct figures *f)
{
    if (!f->lifetime)
        f->lifetime = mem_zero(MEMPROF_HISTOGRAM_BUCKETS, sizeof *f->lifetime);
}

void figures_add_lifetime(struct figures *to, size_t bucket, uint64_t count)
{
    figures_keep_lifetimes(to);
    to->lifetime[bucket] = figures_sum(to->lifetime[bucket], count);
}

struct figures figures_of_dump(const struct dump *dump)
{
    struct figures whole = {.c = dump->totals.c};
#define X(name) whole.variance.name = (double)dump->totals.se.name * (double)dump->totals.se.name;
    DUMP_ERRORS(X)
#undef X
    return whole;
}

uint64_t figures_error(double variance)
{
    double error = sqrt(variance);
    return error < (double)UINT64_MAX ? (uint64_t)(error + 0.5) : UINT64_MAX;
}

void figures_add_site(struct figures *to, const struct dump *dump, size_t index, bool with_lifetime)
{
    const struct dump_site *site = &dump->sites[index];
    struct figures from = {
        .c = site->c, .max_live_bytes = site->max_live_bytes, .threads = site->threads};
    if (index < dump->nerrors) {
        const struct dump_errors *se = &dump->errors[index];
#define X(name) from.variance.name = (double)se->name * (double)se->name;
        DUMP_ERRORS(X)
#undef X
    }
    figures_add(to, &from);
    const struct dump_histogram *h = &site->lifetime_log2_ns;
    for (size_t i = h->first; with_lifetime && i < h->n; i++)
        figures_add_lifetime(to, i, histogram_count(h, i));
}

bool figures_median_lifetime(const struct figures *f, uint64_t *ns)
{
    uint64_t total = 0, seen = 0;
    if (f->has_median)
        *ns = f->median_ns;
    if (f->has_median)
        return true;
    for (size_t i = 0; f->lifetime && i < MEMPROF_HISTOGRAM_BUCKETS; i++)
        total = figures_sum(total, f->lifetime[i]);
    if (total == 0)
        return false;
    size_t bucket = 0;
    for (; bucket + 1 < MEMPROF_HISTOGRAM_BUCKETS; bucket++) {
        seen = figures_sum(seen, f->lifetime[bucket]);
        if (seen >= total - total / 2)
            break;
    }
    /* The middle of [2^(k-1), 2^k). */
    *ns = bucket < 2 ? bucket : UINT64_C(3) << (bucket - 2);
    return true;
}

struct figures figures_settled(const struct figures *f)
{
    struct figures settled = *f;
    settled.has_median = figures_median_lifetime(f, &settled.median_ns);
    settled.lifetime = NULL;
    return settled;
}

void figures_settle(struct figures *f)
{
    struct figures settled = figures_settled(f);
    figures_drop(f);
    *f = settled;
}

void figures_hand_on(struct figures *to, struct figures *from)
{
    if (!to->lifetime) {
        to->lifetime = from->lifetime;
        from->lifetime = NULL;
    }
    figures_add(to, from);
    figures_drop(from);
}

void figures_drop(struct figures *f)
{
    free(f->lifetime);
    f->lifetime = NULL;
}
