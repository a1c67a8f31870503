/* SPDX-License-Identifier: MIT */
#include "mapping_counts.h"

int mapping_counts_init(struct mapping_counts *c, struct arena_pool *pool,
                        const struct clock *clock, const struct sites *sites)
{
    *c = (struct mapping_counts){.arena.pool = pool, .clock = clock, .sites = sites};
    peak_init(&c->peak);
    return idtable_init(&c->shards, pool, sizeof(struct shard));
}

static uint64_t hash_site(uint32_t site)
{
    const uint64_t h = site * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t shard_hash(const void *record)
{
    return hash_site(shard_site(record));
}

static bool shard_equal(const void *record, const void *site)
{
    return shard_site(record) == *(const uint32_t *)site;
}

/* The shard of SITE; NULL if it is none of this process, or without memory. */
static struct shard *find_shard(struct mapping_counts *c, uint32_t site)
{
    if (!sites_own(c->sites, site)) {
        return NULL;
    }
    const struct idtable_key key = {hash_site(site), &site, shard_equal, shard_hash};
    uint32_t id = idtable_find(&c->shards, &key);
    if (id != 0) {
        return idtable_at(&c->shards, id);
    }
    void *record;
    if (idtable_add(&c->shards, &key, &record) == 0) {
        return NULL;
    }
    struct shard *shard = record;
    shard_init(shard, site, atomic_load(&c->peak.epoch));
    return shard;
}

static void begin(struct mapping_counts *c, struct shard *shard)
{
    c->live_before = shard_live_count(shard);
    shard_begin(shard);
    shard_enter_epoch(shard, atomic_load(&c->peak.epoch));
}

bool mapping_counts_add(struct mapping_counts *c, const struct mapping_call *call, uint64_t bytes)
{
    struct shard *shard = find_shard(c, call->site);
    if (!shard) {
        c->dropped_count++;
        return false;
    }
    begin(c, shard);
    counter_add(&shard->alloc_count, 1);
    counter_add(&shard->alloc_bytes, bytes);
    if (call->reallocated) {
        shard_count_realloc(shard, 1, &c->arena);
    }
    if (shard->thread != call->thread) {
        shard->thread = call->thread;
        arch_add32(&shard->threads, 1);
    }
    shard_count_size(shard, bytes, 1, &c->arena);
    shard_end(shard);
    peak_change_alone(&c->share, (int64_t)bytes);
    shard_follow_max(shard);
    return true;
}

void mapping_counts_failed(struct mapping_counts *c, uint32_t site)
{
    struct shard *shard = find_shard(c, site);
    struct shard_rare *rare = shard ? shard_rare_of(shard, &c->arena) : NULL;
    if (rare) {
        counter_add(&rare->failed_count, 1);
    } else {
        c->dropped_count++;
    }
}

void mapping_counts_remove(struct mapping_counts *c, uint32_t site, uint64_t bytes, bool last,
                           uint64_t birth)
{
    struct shard *shard = find_shard(c, site);
    if (!shard) {
        c->inherited_freed_bytes += bytes;
        c->inherited_free_count += last;
        return;
    }
    const uint64_t now = clock_ticks();
    peak_before_free(&c->peak, &c->share, now);
    begin(c, shard);
    counter_add(&shard->freed_bytes, bytes);
    if (last) {
        const uint64_t age = clock_ticks_to_ns(c->clock, now - c->clock->start_ticks - birth);
        counter_add(&shard->free_count, 1);
        shard_count_lifetime(shard, age, 1, &c->arena);
    }
    shard_end(shard);
    peak_change_alone(&c->share, -(int64_t)bytes);
}
