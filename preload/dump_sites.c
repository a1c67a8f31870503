/* SPDX-License-Identifier: MIT */
#include "dump_sites.h"

#include <errno.h>
#include <string.h>

#include "dump_line.h"
#include "reserve.h"

/* Other threads may make shards for sites that are known already while these are being collected.
 */
#define SLACK ((size_t)1 << 16)
#define SLACK_ALONE ((size_t)16)

/* Collects the shards of the first d->sites sites into ALL; returns how many, at most ROOM. With
 * ALL NULL only counts. */
static size_t collect(const struct dump_sites *d, struct recorder *r, const struct shard **all,
                      size_t room)
{
    size_t n = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        for (const struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
            if (shard_site(s) - r->sites.base > d->sites) {
                continue;
            }
            if (all && n == room) {
                return n;
            }
            if (all) {
                all[n] = s;
            }
            n++;
        }
    }
    return n;
}

/* Sorts the shards by site: counts, running sums, places. */
static int sort_shards(struct dump_sites *d, struct recorder *r)
{
    size_t room = collect(d, r, NULL, 0) + (d->shared ? SLACK : SLACK_ALONE);
    size_t indices = (((size_t)d->sites + 3) * sizeof *d->first + 7) & ~(size_t)7;
    d->mapped = 2 * indices + 2 * room * sizeof *d->shard;
    d->first = reserve_map(d->mapped);
    if (!d->first) {
        return -ENOMEM;
    }
    uint32_t *place = (uint32_t *)((char *)d->first + indices);
    d->shard = (const struct shard **)((char *)d->first + 2 * indices);
    const struct shard **all = d->shard + room;
    size_t n = collect(d, r, all, room);
    for (size_t i = 0; i < n; i++) {
        d->first[shard_site(all[i]) - r->sites.base + 1]++;
    }
    for (uint32_t i = 1; i <= d->sites + 1; i++) {
        d->first[i] += d->first[i - 1];
    }
    memcpy(place, d->first, indices);
    for (size_t i = 0; i < n; i++) {
        d->shard[place[shard_site(all[i]) - r->sites.base]++] = all[i];
    }
    return 0;
}

/* How often a peak is read again that the thread which records has raised meanwhile. */
#define PEAK_TRIES 100

/* Under the lock, so that no other thread begins to record. */
static void keep_peak(struct dump_sites *d, struct recorder *r)
{
    struct thread *first = atomic_load(&r->threads);
    struct peak *p = &r->peak;
    const bool several = atomic_load(&p->threads) > 1;
    d->aside = !several && first && first != guard_tls.thread;
    d->shared = several || d->aside;
    uint64_t bytes, count;
    recorder_live(r, &bytes, &count);
    if (several) {
        peak_raise_shared(p, (int64_t)bytes, clock_ticks());
    } else if (first && !d->aside) {
        peak_before_free(p, &first->share, clock_ticks());
    }
    int tries = PEAK_TRIES;
    do {
        d->epoch = atomic_load(&p->epoch);
        d->peak = atomic_load(&p->peak);
        d->peak_ticks = atomic_load(&p->peak_ticks);
    } while (d->aside && tries-- > 0 && atomic_load(&p->epoch) != d->epoch);
    if (d->aside && (int64_t)bytes > d->peak) {
        d->epoch++;
        d->peak = (int64_t)bytes;
        d->peak_ticks = clock_ticks();
    }
}

/* Others may have raised the peak since, so that shards tell of a later one, or allocated more than
 * it was, while they were read one after the other. */
uint64_t dump_sites_peak_error(const struct dump_sites *d, const struct recorder *r,
                               const struct dump_totals *totals)
{
    uint64_t error = (uint64_t)atomic_load(&r->peak.error);
    const uint64_t peak = (uint64_t)d->peak, shares = totals->peak_bytes;
    const uint64_t moved = shares > peak ? shares - peak : peak - shares;
    if (d->shared && moved > error) {
        error = moved;
    }
    if (d->shared && totals->live_bytes > shares + error) {
        error = totals->live_bytes - shares;
    }
    return error;
}

int dump_sites_begin(struct dump_sites *d, struct recorder *r)
{
    memset(d, 0, sizeof *d);
    sys_sigset before;
    if (!sys_lock_within(&r->lock, DUMP_WAIT_MS, &before)) {
        return -EBUSY;
    }
    modules_refresh(&r->modules);
    keep_peak(d, r);
    /* In this order: what each of them refers to is there already. */
    d->sites = records_count(&r->sites.sites);
    d->frames = records_count(&r->sites.frames);
    d->modules = r->modules.count;
    int result = sort_shards(d, r);
    sys_unlock(&r->lock, before);
    return result;
}

void dump_sites_end(struct dump_sites *d)
{
    reserve_unmap(d->first, d->mapped);
}

static void add_shard(struct dump_sums *sums, const struct shard *s, uint64_t epoch)
{
    sums->free_count += counter_get(&s->free_count);
    sums->freed_bytes += counter_get(&s->freed_bytes);
    sums->temporary_count += counter_get(&s->temporary_count);
    sums->lifetimes.set |= shard_add_lifetimes(s, sums->lifetimes.bucket);
    sums->alloc_count += counter_get(&s->alloc_count);
    sums->alloc_bytes += counter_get(&s->alloc_bytes);
    sums->realloc_count += shard_realloc_count(s);
    sums->failed_count += shard_failed_count(s);
    sums->threads += arch_get32(&s->threads);
    sums->sizes.set |= shard_add_sizes(s, sums->sizes.bucket);
    /* A shard not changed since the peak holds now what it held then. */
    bool kept = counter_get(&s->epoch) >= epoch;
    sums->peak_bytes += (int64_t)(kept ? counter_get(&s->peak_bytes) : shard_live_bytes(s));
    sums->peak_count += (int64_t)(kept ? counter_get(&s->peak_count) : shard_live_count(s));
    /* Of one that has handed in, others may have freed what it counts as live. */
    const int64_t max = shard_hand_in_bits(s) == 0 ? (int64_t)counter_get(&s->max_live_bytes) : 0;
    sums->max_live_bytes = max > sums->max_live_bytes ? max : sums->max_live_bytes;
    sampler_errors_add(&sums->errors, s, epoch);
}

/* Counting an event takes some 50 ns, so a few tries are enough, unless the thread was descheduled
 * in the midst of one: then it is given time, 200 ms at the most. */
#define READ_SPINS 200
#define READ_TRIES 4200
#define READ_PAUSE_NS 50000

/* Adds S as it was at one instant between two events. */
static void add_shard_between(struct dump_sums *sums, const struct shard *s, uint64_t epoch)
{
    const struct dump_sums before = *sums;
    for (int i = 0; i < READ_TRIES; i++) {
        uint32_t version = atomic_load_explicit(&s->version, memory_order_acquire);
        if (version % 2 == 0) {
            *sums = before;
            add_shard(sums, s, epoch);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&s->version, memory_order_relaxed) == version) {
                return;
            }
        }
        if (i >= READ_SPINS) {
            sys_sleep_ns(READ_PAUSE_NS);
        }
    }
    *sums = before;
    add_shard(sums, s, epoch);
}

/* Shards are read one after the other: the free of a block may have been seen on one thread, but
 * not its allocation on another. Such frees count as not seen yet. */
static void settle(struct dump_sums *sums)
{
    if (sums->free_count > sums->alloc_count) {
        sums->free_count = sums->alloc_count;
    }
    if (sums->freed_bytes > sums->alloc_bytes) {
        sums->freed_bytes = sums->alloc_bytes;
    }
    if (sums->temporary_count > sums->free_count) {
        sums->temporary_count = sums->free_count;
    }
    sampler_errors_settle(&sums->errors);
}

/* Only some lifetimes are measured where there are many (count.h): what their counts add up to is
 * close to the number of frees, and is made to be it, each bucket in proportion. */
static void scale_lifetimes(struct dump_sums *sums)
{
    uint64_t *const bucket = sums->lifetimes.bucket;
    uint64_t measured = 0;
    unsigned largest = 0;
    for (uint64_t set = sums->lifetimes.set; set != 0; set &= set - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(set);
        measured += bucket[i];
        largest = bucket[i] > bucket[largest] ? i : largest;
    }
    if (measured == sums->free_count || measured == 0) {
        return; /* nothing to do, or nothing known */
    }
    uint64_t scaled = 0;
    for (uint64_t set = sums->lifetimes.set; set != 0; set &= set - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(set);
        unsigned __int128 product = (unsigned __int128)bucket[i] * sums->free_count;
        bucket[i] = (uint64_t)(product / measured);
        scaled += bucket[i];
    }
    bucket[largest] += sums->free_count - scaled;
}

void dump_sites_sum(const struct dump_sites *d, uint32_t index, const struct site *site,
                    struct dump_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (uint32_t i = d->first[index]; i < d->first[index + 1]; i++) {
        if (d->shared) {
            add_shard_between(sums, d->shard[i], d->epoch);
        } else {
            add_shard(sums, d->shard[i], d->epoch);
        }
    }
    if (d->plain) {
        sums->errors = (struct sampler_errors){0}; /* another thread has just begun to sample */
    }
    settle(sums);
    scale_lifetimes(sums);
    int64_t live = (int64_t)(sums->alloc_bytes - sums->freed_bytes);
    int64_t shared_max = atomic_load(&site->max_live_bytes);
    if (d->first[index + 1] - d->first[index] == 1) {
        sums->max_live_bytes = (int64_t)counter_get(&d->shard[d->first[index]]->max_live_bytes);
    }
    sums->peak_bytes = sums->peak_bytes < 0 ? 0 : sums->peak_bytes;
    sums->peak_count = sums->peak_count < 0 ? 0 : sums->peak_count;
    /* What threads hand in late must not make a site exceed the whole program. */
    int64_t max = sums->max_live_bytes > shared_max ? sums->max_live_bytes : shared_max;
    max = max < d->peak ? max : d->peak;
    max = max > live ? max : live;
    sums->max_live_bytes = max > sums->peak_bytes ? max : sums->peak_bytes;
}

static void write_site(struct json *j, const struct site *site, const struct dump_sums *s)
{
    json_newline(j);
    json_text_end(j, dump_line_site(json_text(j, DUMP_LINE_SITE), site, s));
    sampler_dump_errors(j, &s->errors);
    json_close(j, '}');
}

static void add_totals(struct dump_totals *t, const struct dump_sums *s)
{
    t->alloc_count += s->alloc_count;
    t->alloc_bytes += s->alloc_bytes;
    t->free_count += s->free_count;
    t->freed_bytes += s->freed_bytes;
    t->realloc_count += s->realloc_count;
    t->failed_count += s->failed_count;
    t->temporary_count += s->temporary_count;
    t->live_count += s->alloc_count - s->free_count;
    t->live_bytes += s->alloc_bytes - s->freed_bytes;
    t->peak_count += (uint64_t)s->peak_count;
    t->peak_bytes += (uint64_t)s->peak_bytes;
    sampler_errors_sum(&t->errors, &s->errors);
}

void dump_sites_write_one(struct json *j, const struct site *site, const struct dump_sums *sums,
                          struct dump_totals *totals)
{
    if (sums->alloc_count + sums->free_count + sums->failed_count > 0) {
        write_site(j, site, sums);
        add_totals(totals, sums);
    }
}

void dump_sites_write(struct dump_sites *d, struct json *j, struct recorder *r,
                      struct dump_totals *totals)
{
    json_open(j, "sites", '[');
    for (uint32_t i = 1; i <= d->sites; i++) {
        const struct site *site = sites_at(&r->sites, i + r->sites.base);
        struct dump_sums sums;
        dump_sites_sum(d, i, site, &sums);
        dump_sites_write_one(j, site, &sums, totals);
    }
    json_close(j, ']');
    json_newline(j);
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        totals->dropped_count += counter_get(&t->dropped_count);
        totals->unknown_free_count += counter_get(&t->unknown_free_count);
        totals->missed_free_count += counter_get(&t->missed_free_count);
        totals->truncated_stack_count += counter_get(&t->truncated_stack_count);
        totals->inherited_free_count += counter_get(&t->inherited_free_count);
        totals->inherited_freed_bytes += counter_get(&t->inherited_freed_bytes);
        totals->verified_count += counter_get(&t->verified_count);
        totals->different_count += counter_get(&t->different_count);
    }
    totals->dropped_count += counter_get(&r->dropped_count) + counter_get(&r->nested_count);
}
