/* SPDX-License-Identifier: MIT
 *
 * The histograms of sites, of which a dump has two for each: kept without the empty buckets at the
 * front and in as few bytes a count as the greatest needs, mostly one.
 */
#ifndef REPORT_HISTOGRAM_H
#define REPORT_HISTOGRAM_H

#include "dump.h"
#include "pool.h"

/* Packs the counts of buckets 0 up to N (<= MEMPROF_HISTOGRAM_BUCKETS) into POOL. */
struct dump_histogram histogram_pack(struct pool *pool, const uint64_t *counts, size_t n);

/* The count of BUCKET, 0 where there is none. */
uint64_t histogram_count(const struct dump_histogram *h, size_t bucket);

#endif
