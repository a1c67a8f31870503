/* SPDX-License-Identifier: MIT
 *
 * What the dump says about sampling. By the writer of the dump.
 */
#ifndef PRELOAD_SAMPLER_DUMP_H
#define PRELOAD_SAMPLER_DUMP_H

#include "json.h"
#include "recorder.h"
#include "sampler_variance.h"

/* The dump's `mode` as it is ELAPSED after the start; what was changed later is left out. Returns
 * whether it tells of sampling: figures must tell the same. */
bool sampler_dump_mode(struct json *j, struct recorder *r, uint64_t elapsed);

/* Sums of variances, of a site's shards or of all sites. */
struct sampler_errors {
    sampler_square alloc_count, alloc_bytes, live_count, live_bytes, peak_bytes;
};

/* Adds those of SHARD, its share of the peak being that of EPOCH. */
void sampler_errors_add(struct sampler_errors *e, const struct shard *shard, uint64_t epoch);
/* Where the sums of threads that were read one after the other do not fit together. */
void sampler_errors_settle(struct sampler_errors *e);
void sampler_errors_sum(struct sampler_errors *e, const struct sampler_errors *more);

/* Writes them as `alloc_count_se` and so on, in the object that is open; zeros are left out. */
void sampler_dump_errors(struct json *j, const struct sampler_errors *e);

#endif
