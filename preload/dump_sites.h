/* SPDX-License-Identifier: MIT
 *
 * The dump's `sites`: for each site the sums over its shards. A snapshot of which shards there are
 * is taken once, under the recorder's lock; their figures are read when they are written.
 */
#ifndef PRELOAD_DUMP_SITES_H
#define PRELOAD_DUMP_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "dump_line.h"
#include "dump_totals.h"
#include "json.h"
#include "recorder.h"

struct dump_sites {
    uint32_t sites, frames, modules; /* how many there were */
    uint64_t epoch;
    int64_t peak;               /* bytes, of the whole program */
    uint64_t peak_ticks;        /* when; 0: there was none */
    bool shared;                /* others than this thread may be recording meanwhile: */
    bool aside;                 /* one alone does, of which this is not the thread */
    bool plain;                 /* the dump tells of no sampling; set by whoever writes that */
    const struct shard **shard; /* by site */
    uint32_t *first;            /* sites + 2: where a site's shards start in `shard` */
    size_t mapped;              /* bytes, at `first` */
};

/* How long to wait for the recorder's lock. Nobody holds it for long: but a thread that does may be
 * one that never goes on. */
#define DUMP_WAIT_MS 5000u

/* Returns 0, -ENOMEM, or -EBUSY if the lock could not be had. Keeps the peak up to now as if the
 * total were about to fall; in D alone where it is for another thread to do that (peak.h). */
int dump_sites_begin(struct dump_sites *d, struct recorder *r);
void dump_sites_write(struct dump_sites *d, struct json *j, struct recorder *r,
                      struct dump_totals *totals);
/* The figures of site INDEX of D, which is SITE. */
void dump_sites_sum(const struct dump_sites *d, uint32_t index, const struct site *site,
                    struct dump_sums *sums);
/* Writes SITE with SUMS and adds them to TOTALS, if anything happened there. */
void dump_sites_write_one(struct json *j, const struct site *site, const struct dump_sums *sums,
                          struct dump_totals *totals);
/* By how much the peak's shares in TOTALS may be wrong, bytes. */
uint64_t dump_sites_peak_error(const struct dump_sites *d, const struct recorder *r,
                               const struct dump_totals *totals);
void dump_sites_end(struct dump_sites *d);

#endif
