/* SPDX-License-Identifier: MIT */
#include "dump_mappings.h"

#include <string.h>

/* Adds up what there is of sites that HEAP has, whose frames are in the dump. Under the lock. */
static void add_up(struct dump_mappings *d, const struct recorder *r, const struct dump_sites *heap,
                   uint32_t count)
{
    const struct mapping_counts *c = &r->mapping_counts;
    struct dump_sites *s = &d->sites;
    for (uint32_t id = 1; id <= count; id++) {
        const struct shard *shard = idtable_at(&c->shards, id);
        if (shard_site(shard) - r->sites.base <= heap->sites) {
            s->shard[s->sites] = shard;
            s->first[s->sites] = s->sites;
            s->sites++;
        }
    }
    s->first[s->sites] = s->sites;
    s->epoch = atomic_load(&c->peak.epoch);
    s->peak = atomic_load(&c->peak.peak);
    for (uint32_t i = 0; i < s->sites; i++) {
        dump_sites_sum(s, i, sites_at(&r->sites, shard_site(s->shard[i])), &d->sums[i]);
    }
    d->peak_ticks = atomic_load(&c->peak.peak_ticks);
    d->totals.dropped_count = c->dropped_count;
    d->totals.unknown_free_count = c->unknown_free_count;
    d->totals.missed_free_count = c->missed_free_count;
    d->inherited_count = c->inherited_count - c->inherited_free_count;
    d->inherited_bytes = c->inherited_bytes - c->inherited_freed_bytes;
    d->inherited_free_count = c->inherited_free_count;
}

int dump_mappings_begin(struct dump_mappings *d, struct recorder *r, const struct dump_sites *heap)
{
    struct mapping_counts *c = &r->mapping_counts;
    memset(d, 0, sizeof *d);
    const size_t room = (size_t)c->shards.count + 1; /* what comes now is left out */
    const size_t each = sizeof *d->sums + sizeof *d->sites.shard + sizeof *d->sites.first;
    d->sites.mapped = room * each;
    char *memory = sys_map(d->sites.mapped);
    if (!memory) {
        return -1;
    }
    d->sums = (struct dump_sums *)(void *)memory;
    d->sites.shard = (const struct shard **)(void *)(memory + room * sizeof *d->sums);
    d->sites.first = (uint32_t *)(d->sites.shard + room);
    sys_sigset before;
    if (!sys_lock_within(&r->mappings.lock, DUMP_WAIT_MS, &before)) {
        return -1;
    }
    peak_before_free(&c->peak, &c->share, clock_ticks());
    add_up(d, r, heap, (uint32_t)room - 1);
    sys_unlock(&r->mappings.lock, before);
    return 0;
}

void dump_mappings_write(struct dump_mappings *d, struct json *j, const struct recorder *r)
{
    json_open(j, "mmap_sites", '[');
    for (uint32_t i = 0; i < d->sites.sites; i++) {
        const struct site *site = sites_at(&r->sites, shard_site(d->sites.shard[i]));
        dump_sites_write_one(j, site, &d->sums[i], &d->totals);
    }
    json_close(j, ']');
    json_newline(j);
}

void dump_mappings_end(struct dump_mappings *d)
{
    if (d->sums) {
        sys_unmap(d->sums, d->sites.mapped);
    }
}
