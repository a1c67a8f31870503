/* SPDX-License-Identifier: MIT */
#include "sampler_dump.h"

/* What all threads counted together, and what came to the recorder of that. */
static void add_all(struct recorder *r, struct thread_record *all, uint64_t *recorded)
{
    *all = r->others;
    *recorded = 0;
    for (uint32_t i = 0; i < r->ended_count; i++) {
        all->alloc_count += r->ended[i].alloc_count;
        all->alloc_bytes += r->ended[i].alloc_bytes;
        all->free_count += r->ended[i].free_count;
    }
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        struct thread_record counts;
        recorder_thread_counts(t, &counts);
        if (t->in_use) {
            all->alloc_count += counts.alloc_count;
            all->alloc_bytes += counts.alloc_bytes;
            all->free_count += counts.free_count;
        }
        *recorded += t->meter ? counter_get(&t->meter->recorded) : 0;
    }
}

/* The first CHANGES of those that there were. */
static void write_changes(struct json *j, const struct sampler_budget *b, uint32_t changes)
{
    uint32_t kept = changes < SAMPLER_CHANGES ? changes : SAMPLER_CHANGES;
    json_open(j, "changes", '[');
    for (uint32_t i = changes - kept; i != changes; i++) {
        json_open(j, NULL, '[');
        json_uint(j, NULL, b->change[i % SAMPLER_CHANGES].elapsed_ns);
        json_uint(j, NULL, b->change[i % SAMPLER_CHANGES].mean);
        json_close(j, ']');
    }
    json_close(j, ']');
    json_uint(j, "change_count", changes);
}

bool sampler_dump_mode(struct json *j, struct recorder *r, uint64_t elapsed)
{
    struct sampler *s = &r->sampler;
    const struct sampler_budget *b = &s->budget;
    uint32_t changes = b->changes;
    while (changes > 0 && b->change[(changes - 1) % SAMPLER_CHANGES].elapsed_ns > elapsed) {
        changes--;
    }
    const bool sampled = s->on && (b->base > 0 || changes > 0);
    json_open(j, "mode", '{');
    json_string(j, "kind", sampled ? "sampled" : "exact");
    if (sampled) {
        struct thread_record all;
        uint64_t recorded, mean = atomic_load(&s->mean);
        add_all(r, &all, &recorded);
        json_uint(j, "mean_bytes", mean ? mean : 1); /* 1: as good as every allocation */
        json_uint(j, "sampled_count", recorded);
        json_open(j, "exact", '{');
        json_uint(j, "alloc_count", all.alloc_count);
        json_uint(j, "alloc_bytes", all.alloc_bytes);
        json_uint(j, "free_count", all.free_count);
        json_close(j, '}');
    }
    if (b->limit) {
        sampler_budget_look(r);
        json_milli(j, "max_overhead_percent", b->limit);
        json_milli(j, "overhead_percent", atomic_load(&b->spent));
        write_changes(j, b, changes);
    }
    json_close(j, '}');
    json_newline(j);
    return sampled;
}

void sampler_errors_add(struct sampler_errors *e, const struct shard *shard, uint64_t epoch)
{
    const struct sampler_variance *v = shard_variance(shard);
    if (!v) {
        return;
    }
    e->alloc_count += sampler_sum_get(&v->alloc_count);
    e->alloc_bytes += sampler_sum_get(&v->alloc_bytes);
    e->live_count += sampler_sum_get(&v->live_count);
    e->live_bytes += sampler_sum_get(&v->live_bytes);
    /* As the shard's own share. */
    e->peak_bytes +=
        sampler_sum_get(counter_get(&v->epoch) >= epoch ? &v->peak_bytes : &v->live_bytes);
}

static void not_negative(sampler_square *sum)
{
    *sum = *sum >> 127 ? 0 : *sum;
}

void sampler_errors_settle(struct sampler_errors *e)
{
    not_negative(&e->live_count);
    not_negative(&e->live_bytes);
    not_negative(&e->peak_bytes);
}

void sampler_errors_sum(struct sampler_errors *e, const struct sampler_errors *more)
{
    e->alloc_count += more->alloc_count;
    e->alloc_bytes += more->alloc_bytes;
    e->live_count += more->live_count;
    e->live_bytes += more->live_bytes;
    e->peak_bytes += more->peak_bytes;
}

void sampler_dump_errors(struct json *j, const struct sampler_errors *e)
{
    if (e->alloc_count == 0) {
        return; /* nothing was sampled here */
    }
    json_uint_nonzero(j, "alloc_count_se", sampler_error(e->alloc_count));
    json_uint_nonzero(j, "alloc_bytes_se", sampler_error(e->alloc_bytes));
    json_uint_nonzero(j, "live_count_se", sampler_error(e->live_count));
    json_uint_nonzero(j, "live_bytes_se", sampler_error(e->live_bytes));
    json_uint_nonzero(j, "peak_bytes_se", sampler_error(e->peak_bytes));
}
