/* SPDX-License-Identifier: MIT */
#include "dump_mappings.h"

#include <string.h>

/* Copies the shards of sites that HEAP has, which have their frames in the dump. Under the lock. */
static void copy(struct dump_mappings *d, const struct recorder *r, const struct dump_sites *heap,
                 uint32_t count)
{
    const struct mapping_counts *c = &r->mapping_counts;
    struct dump_sites *s = &d->sites;
    for (uint32_t id = 1; id <= count; id++) {
        const struct shard *shard = idtable_at(&c->shards, id);
        if (shard_site(shard) - r->sites.base <= heap->sites) {
            memcpy(&d->shard[s->sites], shard, sizeof *shard);
            s->shard[s->sites] = &d->shard[s->sites];
            s->first[s->sites] = s->sites;
            s->sites++;
        }
    }
    s->first[s->sites] = s->sites;
    s->epoch = atomic_load(&c->peak.epoch);
    s->peak = atomic_load(&c->peak.peak);
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
    const size_t each = sizeof *d->shard + sizeof *d->sites.shard + sizeof *d->sites.first;
    d->sites.mapped = room * each;
    char *memory = sys_map(d->sites.mapped);
    if (!memory) {
        return -1;
    }
    d->shard = (struct shard *)memory;
    d->sites.shard = (const struct shard **)(memory + room * sizeof *d->shard);
    d->sites.first = (uint32_t *)(d->sites.shard + room);
    sys_sigset before;
    if (!sys_lock_within(&r->mappings.lock, DUMP_WAIT_MS, &before)) {
        return -1;
    }
    peak_before_free(&c->peak, &c->share, clock_ticks());
    copy(d, r, heap, (uint32_t)room - 1);
    sys_unlock(&r->mappings.lock, before);
    return 0;
}

void dump_mappings_write(struct dump_mappings *d, struct json *j, const struct recorder *r)
{
    json_open(j, "mmap_sites", '[');
    for (uint32_t i = 0; i < d->sites.sites; i++) {
        const struct site *site = sites_at(&r->sites, shard_site(&d->shard[i]));
        dump_sites_write_one(&d->sites, j, i, site, &d->totals);
    }
    json_close(j, ']');
    json_newline(j);
}

void dump_mappings_end(struct dump_mappings *d)
{
    if (d->shard) {
        sys_unmap(d->shard, d->sites.mapped);
    }
}
