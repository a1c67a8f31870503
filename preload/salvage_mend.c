/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mend.h"
#include "salvage_parts.h"

/* What a thread's shards say, and which of them stopped in the middle of an event. */
struct open_event {
    struct shard *shard;  /* NULL: none did */
    uint32_t shards;      /* how many did */
    int64_t bytes, count; /* live, over all shards */
};

/* Whether the change by COUNT blocks and BYTES can be one event's, and S had so much. */
static bool plausible(const struct shard *s, int64_t count, int64_t bytes, bool sampled)
{
    if ((count < 0 && bytes > 0) || (count > 0 && bytes < 0) ||
        (!sampled && (count < -1 || count > 1))) {
        return false;
    }
    const bool gained = count > 0 || bytes > 0;
    const uint64_t n = (uint64_t)(count < 0 ? -count : count);
    const uint64_t size = (uint64_t)(bytes < 0 ? -bytes : bytes);
    return n <= counter_get(gained ? &s->alloc_count : &s->free_count) &&
           size <= counter_get(gained ? &s->alloc_bytes : &s->freed_bytes);
}

static bool take_back(const struct open_event *e, int64_t count, int64_t bytes, bool sampled)
{
    if (count == 0 && bytes == 0) {
        return true;
    }
    if (e->shards != 1 || !plausible(e->shard, count, bytes, sampled)) {
        return false;
    }
    mend_take_back(e->shard, (uint64_t)count, (uint64_t)bytes);
    return true;
}

static void add_shards(const struct thread *t, struct open_event *e)
{
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        e->bytes += (int64_t)shard_live_bytes(s);
        e->count += (int64_t)shard_live_count(s);
        if (atomic_load(&s->version) % 2) {
            e->shards++;
            e->shard = s;
        }
    }
}

static bool mend_events(struct thread *t, bool sampled)
{
    struct open_event e = {0};
    add_shards(t, &e);
    bool exact = true;
    if (e.shards > 0) {
        const int64_t bytes = e.bytes - atomic_load(&t->share.live);
        const int64_t count = e.count - (int64_t)counter_get(&t->live_count);
        exact = take_back(&e, count, bytes, sampled);
        e = (struct open_event){0};
        add_shards(t, &e);
    }
    for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
        if (atomic_load(&s->version) % 2) {
            atomic_store(&s->version, 0);
        }
    }
    atomic_store(&t->share.live, e.bytes);
    atomic_store(&t->live_count, (uint64_t)e.count);
    return exact;
}

/* What the shards hold of the peak of the present epoch, in bytes. */
static int64_t peak_of_shards(const struct recorder *r)
{
    const uint64_t epoch = atomic_load(&r->peak.epoch);
    int64_t sum = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        for (struct shard *s = atomic_load(&t->shards); s; s = atomic_load(&s->next)) {
            sum += (int64_t)(counter_get(&s->epoch) >= epoch ? counter_get(&s->peak_bytes)
                                                             : shard_live_bytes(s));
        }
    }
    return sum;
}

static void mend_peak(struct recorder *r)
{
    uint64_t bytes, count;
    recorder_live(r, &bytes, &count);
    const int64_t total = (int64_t)bytes, held = peak_of_shards(r);
    int64_t peak = atomic_load(&r->peak.peak);
    if (total >= peak || total > held) {
        atomic_fetch_add(&r->peak.epoch, 1);
        atomic_store(&r->peak.peak_ticks, clock_ticks());
        if (total > peak) {
            atomic_store(&r->peak.peak, total);
        }
        peak = peak > total ? peak : total;
        if (peak - total > atomic_load(&r->peak.error)) {
            atomic_store(&r->peak.error, peak - total);
        }
    } else if (peak - held > atomic_load(&r->peak.error)) {
        /* Raised by a thread that came no further, while another freed. */
        atomic_store(&r->peak.error, peak - held);
    }
}

/* Whether the rows are in order already, as they nearly always are. */
static bool in_order(const struct timeline *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (i == 0 ? t->row[i].elapsed_ns == 0 : t->row[i].elapsed_ns <= t->row[i - 1].elapsed_ns) {
            return false;
        }
    }
    return true;
}

static void mend_timeline(struct timeline *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        if (n == 0 ? t->row[i].elapsed_ns > 0 : t->row[i].elapsed_ns > t->row[n - 1].elapsed_ns) {
            t->row[n++] = t->row[i];
        }
    }
    t->n = n;
}

/* A thread whose figures stand among those of ended threads, but which has not been marked as ended
 * yet, is the one that held the lock. */
static void mend_threads(struct recorder *r)
{
    if (atomic_load(&r->lock.state) == 0 || r->ended_count == 0) {
        return;
    }
    struct thread_record *last = &r->ended[r->ended_count - 1];
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        if (t->in_use && t->tid == last->tid && memcmp(t->name, last->name, sizeof t->name) == 0 &&
            last->alloc_count <= counter_get(&t->alloc_count) + t->passed.allocs) {
            r->ended_count--;
            return;
        }
    }
}

/* The figures of mappings are behind one lock: at most one event was being counted. */
static bool mend_mappings(struct mapping_counts *c)
{
    struct shard *open = NULL;
    int64_t bytes = -atomic_load(&c->share.live);
    for (uint32_t id = 1; id <= c->shards.count; id++) {
        struct shard *s = idtable_at(&c->shards, id);
        bytes += (int64_t)shard_live_bytes(s);
        open = atomic_load(&s->version) % 2 ? s : open;
    }
    if (atomic_load(&c->share.live) >= atomic_load(&c->peak.peak)) {
        atomic_store(&c->peak.peak, atomic_load(&c->share.live));
        atomic_fetch_add(&c->peak.epoch, 1);
    }
    if (!open) {
        atomic_fetch_add(&c->share.live, bytes);
        return true;
    }
    const int64_t count = (int64_t)(shard_live_count(open) - c->live_before);
    atomic_store(&open->version, 0);
    if (!plausible(open, count, bytes, false)) {
        return false;
    }
    mend_take_back(open, (uint64_t)count, (uint64_t)bytes);
    return true;
}

/* Of a shard that stopped in an event: itself, and the pieces of its sizes. */
static bool own_open(const struct salvage_map *m, const struct shard *s)
{
    if (atomic_load(&s->version) % 2 == 0) {
        return true;
    }
    const struct shard_more *more = shard_more(s);
    const uintptr_t header = more ? atomic_load(&more->sizes.others.header) : 0;
    const struct shard_far *far = (const struct shard_far *)(header & ~SHARD_HEADER_BITS);
    bool good = salvage_own(m, s, sizeof *s) && (!more || salvage_own(m, more, sizeof *more));
    for (size_t i = 0; far && good && i < SHARD_LINES; i++) {
        const counter *line = atomic_load(&far->line[i]);
        good = !line || salvage_own(m, line, SHARD_LINE * sizeof *line);
    }
    return good;
}

/* Makes all that is written to below this process's own; the threads are. */
static bool own(const struct salvage_map *m, struct recorder *r)
{
    bool good = true;
    for (struct thread *t = atomic_load(&r->threads); t && good; t = atomic_load(&t->next)) {
        for (struct shard *s = atomic_load(&t->shards); s && good; s = atomic_load(&s->next)) {
            good = own_open(m, s);
        }
    }
    for (uint32_t id = 1; good && id <= r->mapping_counts.shards.count; id++) {
        good = own_open(m, idtable_at(&r->mapping_counts.shards, id));
    }
    return good && (in_order(&r->timeline) ||
                    salvage_own(m, r->timeline.row, TIMELINE_ROWS * sizeof *r->timeline.row));
}

bool salvage_mend(const struct salvage_map *m, struct recorder *r, bool *exact)
{
    if (!own(m, r)) {
        return false;
    }
    *exact = mend_mappings(&r->mapping_counts);
    mend_threads(r);
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        *exact = mend_events(t, r->sampler.on) && *exact;
    }
    mend_peak(r);
    if (!in_order(&r->timeline)) {
        mend_timeline(&r->timeline);
    }
    r->lock = (struct sys_lock){0};
    return true;
}
