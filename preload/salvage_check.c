/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "salvage_parts.h"
#include "sampler_variance.h"

bool salvage_holds(const struct salvage_map *m, const void *p, uint64_t size)
{
    const uintptr_t start = (uintptr_t)p;
    if (start % sizeof(void *) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        const struct vault_extent *e = &m->extent[i];
        if (start >= e->start && start - e->start < e->size) {
            return size <= e->size - (start - e->start);
        }
    }
    return false;
}

/* Whether the string at P ends within what is mapped. */
static bool holds_string(const struct salvage_map *m, const char *p)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const struct vault_extent *e = &m->extent[i];
        const uintptr_t at = (uintptr_t)p - e->start;
        if (at < e->size) {
            return memchr(p, '\0', e->size - at) != NULL;
        }
    }
    return false;
}

static bool check_table(const struct salvage_map *m, const struct idtable *t, size_t record_size)
{
    if (t->record_size != record_size ||
        !salvage_holds(m, t->chunk, IDTABLE_CHUNKS * sizeof *t->chunk) ||
        t->count >> IDTABLE_CHUNK_BITS >= IDTABLE_CHUNKS) {
        return false;
    }
    for (uint32_t c = 0; t->count > 0 && c <= t->count >> IDTABLE_CHUNK_BITS; c++) {
        if (!salvage_holds(m, t->chunk[c], ((uint64_t)1 << IDTABLE_CHUNK_BITS) * record_size)) {
            return false;
        }
    }
    return true;
}

static bool check_modules(const struct salvage_map *m, struct modules *modules)
{
    if (modules->count > MODULES_MAX ||
        !salvage_holds(m, modules->by_id, MODULES_MAX * sizeof *modules->by_id)) {
        return false;
    }
    if (modules->count > 0 && !modules->by_id[modules->count - 1]) {
        modules->count--; /* it was being entered */
    }
    for (uint32_t i = 0; i < modules->count; i++) {
        const struct module *module = modules->by_id[i];
        if (!salvage_holds(m, module, sizeof *module) || !holds_string(m, module->path) ||
            module->build_id_size > MODULE_BUILD_ID_MAX || module->start > module->end) {
            return false;
        }
    }
    return true;
}

static bool check_records(const struct salvage_map *m, const struct records *r, size_t size)
{
    const uint32_t count = records_count(r);
    if (r->record_size != size || !salvage_holds(m, r->chunk, RECORDS_CHUNKS * sizeof *r->chunk) ||
        count > RECORDS_MAX) {
        return false;
    }
    for (uint32_t c = 0; count > 0 && c <= count >> RECORDS_CHUNK_BITS; c++) {
        if (!salvage_holds(m, r->chunk[c], ((uint64_t)1 << RECORDS_CHUNK_BITS) * size)) {
            return false;
        }
    }
    return true;
}

/* Each may be empty still, of which the last are left out. */
static bool check_sites(const struct salvage_map *m, struct recorder *r)
{
    struct records *frames = &r->sites.frames, *sites = &r->sites.sites;
    if (!check_records(m, frames, sizeof(struct frame)) ||
        !check_records(m, sites, sizeof(struct site))) {
        return false;
    }
    frames->count -= frames->count > 0 && frame_ip(sites_frame(&r->sites, frames->count)) == 0;
    sites->count -=
        sites->count > 0 && ((struct site *)records_at(sites, sites->count))->frame == 0;
    for (uint32_t id = 1; id <= frames->count; id++) {
        const struct frame *f = sites_frame(&r->sites, id);
        if (frame_parent(f) >= id || frame_module(f) >= (int32_t)r->modules.count) {
            return false;
        }
    }
    for (uint32_t id = 1; id <= sites->count; id++) {
        const struct site *s = records_at(sites, id);
        if (s->frame > frames->count || s->function >= SITE_FUNCTIONS) {
            return false;
        }
    }
    return true;
}

static bool check_histogram(const struct salvage_map *m, const struct shard_histogram *h)
{
    const uintptr_t header = atomic_load(&h->header);
    const struct shard_far *far = (const struct shard_far *)(header & ~SHARD_HEADER_BITS);
    if (!far) {
        return true;
    }
    bool good = salvage_holds(m, far, sizeof *far);
    for (size_t i = 0; good && i < SHARD_LINES; i++) {
        const counter *line = atomic_load(&far->line[i]);
        good = !line || salvage_holds(m, line, SHARD_LINE * sizeof *line);
    }
    return good;
}

static bool check_more(const struct salvage_map *m, const struct shard_more *more)
{
    if (!more) {
        return true;
    }
    if (!salvage_holds(m, more, sizeof *more) || !check_histogram(m, &more->sizes.others) ||
        !check_histogram(m, &more->lifetimes)) {
        return false;
    }
    const struct shard_rare *rare = atomic_load(&more->rare);
    if (rare && !salvage_holds(m, rare, sizeof *rare)) {
        return false;
    }
    const void *variance = rare ? atomic_load(&rare->variance) : NULL;
    return !variance || salvage_holds(m, variance, sizeof(struct sampler_variance));
}

static bool check_shard(const struct salvage_map *m, const struct recorder *r,
                        const struct shard *s)
{
    const uint32_t site = shard_site(s);
    return site > r->sites.base && site - r->sites.base <= r->sites.sites.count &&
           check_more(m, shard_more(s));
}

/* Whether T's shards are a list that ends. LEFT: how many more there can be in all. */
static bool check_shards(const struct salvage_map *m, const struct recorder *r,
                         const struct thread *t, uint64_t *left)
{
    for (const struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        if (!salvage_holds(m, s, sizeof *s) || (*left)-- == 0 || !check_shard(m, r, s)) {
            return false;
        }
    }
    return true;
}

static bool check_threads(const struct salvage_map *m, struct recorder *r)
{
    uint64_t shards = m->bytes / sizeof(struct shard), threads = m->bytes / sizeof(struct thread);
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        if (!salvage_holds(m, t, sizeof *t) || threads-- == 0 || !check_shards(m, r, t, &shards) ||
            !salvage_own(m, t, sizeof *t)) {
            return false;
        }
        t->name[THREAD_NAME_MAX - 1] = '\0';
    }
    if (r->ended_count > RECORDER_THREAD_LOG ||
        !salvage_holds(m, r->ended, RECORDER_THREAD_LOG * sizeof *r->ended)) {
        return false;
    }
    for (uint32_t i = 0; i < r->ended_count; i++) {
        char *last = &r->ended[i].name[THREAD_NAME_MAX - 1];
        if (*last != '\0' && !salvage_own(m, last, 1)) {
            return false;
        }
        if (*last != '\0') {
            *last = '\0';
        }
    }
    r->others.name[THREAD_NAME_MAX - 1] = '\0';
    return true;
}

static bool check_mappings(const struct salvage_map *m, struct recorder *r)
{
    struct idtable *shards = &r->mapping_counts.shards;
    if (!r->options.mmap) {
        shards->count = 0;
        return true;
    }
    if (!check_table(m, shards, sizeof(struct shard))) {
        return false;
    }
    shards->count -= shards->count > 0 && shard_site(idtable_at(shards, shards->count)) == 0;
    bool good = true;
    for (uint32_t id = 1; good && id <= shards->count; id++) {
        good = check_shard(m, r, idtable_at(shards, id));
    }
    return good;
}

bool salvage_check(const struct salvage_map *m, struct recorder *r)
{
    const struct timeline *t = &r->timeline;
    r->parent_start_time[sizeof r->parent_start_time - 1] = '\0';
    return check_modules(m, &r->modules) && check_sites(m, r) && check_threads(m, r) &&
           check_mappings(m, r) && t->n <= TIMELINE_ROWS &&
           (t->n == 0 || salvage_holds(m, t->row, TIMELINE_ROWS * sizeof *t->row));
}
