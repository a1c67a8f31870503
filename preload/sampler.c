/* SPDX-License-Identifier: MIT */
#include "sampler.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bootstrap.h"
#include "clock.h"
#include "sampler_random.h"

#define PAGE ((size_t)4096)
#define METER_BYTES ((sizeof(struct sampler_meter) + 63) & ~(size_t)63)

/* Of what differs from run to run: the kernel's 16 random bytes for this program, and the time. No
 * system call, which a sandbox might forbid. */
static uint64_t find_seed(void)
{
    uint64_t seed = clock_ticks(), given[2];
    const void *random = (const void *)getauxval(AT_RANDOM);
    if (random) {
        memcpy(given, random, sizeof given);
        seed ^= sampler_random(&given[0]) ^ sampler_random(&given[1]);
    }
    return seed;
}

void sampler_adopt(struct sampler *s, uintptr_t address)
{
    const struct weighted_block nobodys = {.weight = 0};
    sampler_set_keep(&s->set, address, &nobodys);
}

/* By the grains of the filter that they lie in. */
static void adopt_bootstrap(struct sampler *s)
{
    uintptr_t start;
    size_t bytes;
    for (size_t n = 0; (start = bootstrap_stretch(n, &bytes)) != 0; n++) {
        for (size_t i = 0; i < bytes; i += (size_t)1 << SAMPLER_GRAIN) {
            sampler_adopt(s, start + i);
        }
        if (bytes > 0) {
            sampler_adopt(s, start + bytes - 1); /* a stretch may begin within a grain */
        }
    }
}

int sampler_start(struct sampler *s, const struct options *options, struct arena_pool *pool)
{
    sampler_budget_start(&s->budget, options);
    s->on = options->sample_mean > 0 || s->budget.limit > 0;
    if (!s->on) {
        return 0;
    }
    s->pool = pool;
    s->seed = find_seed();
    atomic_store(&s->mean, options->sample_mean);
    atomic_store(&s->passed, options->sample_mean != 0);
    if (sampler_set_init(&s->set, pool) < 0) {
        return -1;
    }
    adopt_bootstrap(s);
    if (!objects_have_maps()) {
        sampler_set_pass_none(&s->set); /* then each free's caller tells whether modules go */
    }
    return 0;
}

void sampler_change(struct sampler *s, uint64_t mean)
{
    if (mean != 0) {
        atomic_store(&s->passed, true);
    }
    atomic_store(&s->mean, mean);
}

struct sampler_meter *sampler_meter_new(struct sampler *s, uint64_t serial)
{
    if (!s->page || s->page_used + METER_BYTES > PAGE) {
        char *page = arena_pool_map(s->pool, PAGE);
        if (!page) {
            return NULL;
        }
        sys_call(SYS_madvise, (long)page, (long)PAGE, MADV_WIPEONFORK, 0, 0, 0);
        s->page = page;
        s->page_used = 0;
    }
    struct sampler_meter *m = (struct sampler_meter *)(s->page + s->page_used);
    s->page_used += METER_BYTES;
    memset(m, 0, sizeof *m);
    uint64_t state = s->seed ^ serial * 0x9e3779b97f4a7c15u;
    m->random = sampler_random(&state);
    m->clock.left = sampler_random(&state) % SAMPLER_TIMED_EVERY;
    atomic_store_explicit(&m->frees, s->early_frees, memory_order_relaxed);
    s->early_frees = 0;
    sampler_draw(s, m);
    return m;
}

void sampler_child(struct sampler *s)
{
    if (!s->on) {
        return;
    }
    const struct sampler_meter *m = guard_tls.meter;
    s->early_frees = m ? counter_get(&m->frees) : 0;
    guard_tls.meter = NULL;
    s->page_used = 0;
    s->seed = find_seed() ^ s->seed;
    sampler_set_child(&s->set);
    sampler_budget_child(&s->budget, atomic_load(&s->mean));
}

uint64_t sampler_weigh(struct sampler_meter *m, uint64_t size)
{
    uint64_t position = counter_get(&m->position), weight = 1;
    if (m->mean != 0) {
        if (counter_get(&m->next) - position > size) {
            atomic_store_explicit(&m->position, position + size + 1, memory_order_relaxed);
            counter_add(&m->allocs, 1);
            return 0;
        }
        weight = sampler_weight(&m->random, size, m->mean);
    }
    /* If a handler leaves the recorder by longjmp before sampler_draw, the next block is certain
     * to be recorded, and must count for itself alone. */
    m->mean = 0;
    atomic_store_explicit(&m->next, position, memory_order_relaxed);
    counter_add(&m->recorded, 1);
    m->last_allocs = counter_get(&m->allocs);
    return weight;
}

void sampler_draw(struct sampler *s, struct sampler_meter *m)
{
    uint64_t position = counter_get(&m->position);
    m->mean = atomic_load_explicit(&s->mean, memory_order_relaxed);
    uint64_t gap = m->mean ? sampler_gap(&m->random, m->mean) : 0;
    atomic_store_explicit(&m->next, position + gap, memory_order_relaxed);
}

void sampler_thread_end(struct sampler_meter *m)
{
    counter_add(&m->passed_before, counter_get(&m->allocs) + counter_get(&m->frees));
    uint64_t gap = counter_get(&m->next) - counter_get(&m->position);
    atomic_store_explicit(&m->next, gap, memory_order_relaxed);
    atomic_store_explicit(&m->position, 0, memory_order_relaxed);
    atomic_store_explicit(&m->allocs, 0, memory_order_relaxed);
    atomic_store_explicit(&m->frees, 0, memory_order_relaxed);
}
