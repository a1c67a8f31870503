/* SPDX-License-Identifier: MIT */
#include "sampler_budget.h"

#include <sys/syscall.h>
#include <time.h>

#include "recorder.h"
#include "sampler_random.h"

#define CHECK_NS 10000000u  /* between looks */
#define MIN_CPU_NS 2000000u /* that a window must have to tell anything */
#define FIRST_MEAN ((uint64_t)256)
#define LAST_MEAN ((uint64_t)1 << 24)
#define MAX_FACTOR 16u /* by which one look raises the mean */
#define WHOLE 100000u  /* 100 % in thousandths of a percent */
/* A call during which the thread lost the processor says nothing about the recorder. */
#define MAX_TICKS ((uint64_t)1 << 15)

void sampler_budget_start(struct sampler_budget *b, const struct options *options)
{
    b->limit = options->max_overhead;
    b->base = options->sample_mean;
    uint64_t least = UINT64_MAX;
    for (int i = 0; b->limit && i < 20; i++) {
        uint64_t begin = clock_ticks(), ticks = clock_ticks() - begin;
        least = ticks < least ? ticks : least;
    }
    b->empty_ticks = b->limit ? least : 0;
}

void sampler_budget_child(struct sampler_budget *b, uint64_t mean)
{
    /* Its CPU time, too, begins anew. */
    b->seen = (struct sampler_account){0};
    b->change[0].elapsed_ns = 0;
    b->change[0].mean = mean;
    b->changes = mean != b->base;
    atomic_store(&b->spent, 0);
    atomic_store(&b->busy, false);
}

uint64_t sampler_budget_begin(struct sampler_clock *c)
{
    atomic_store_explicit(&c->calls, atomic_load_explicit(&c->calls, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (likely(c->left-- > 0)) {
        return 0;
    }
    uint64_t now = clock_ticks(), state = now;
    c->left = sampler_random(&state) % (2 * SAMPLER_TIMED_EVERY - 1);
    return now;
}

static uint64_t cpu_ns(void)
{
    struct timespec now = {0};
    sys_call(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct sampler_account account_now(struct recorder *r)
{
    struct sampler_account a = {.cpu_ns = cpu_ns()};
    uint64_t ticks = 0, passed = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        const struct sampler_meter *m = t->meter;
        if (!m) {
            continue;
        }
        uint64_t timed = counter_get(&m->clock.timed), calls = counter_get(&m->clock.calls);
        if (timed > 0) {
            ticks += (uint64_t)((unsigned __int128)counter_get(&m->clock.ticks) * calls / timed);
        }
        a.calls += calls;
        a.recorded += counter_get(&m->recorded);
        passed += counter_get(&m->passed_before) + counter_get(&m->frees);
        a.allocs += counter_get(&m->allocs);
    }
    a.fixed_ns = (passed + a.allocs) * SAMPLER_PASS_NS;
    a.own_ns = clock_ticks_to_ns(&r->clock, ticks) + a.fixed_ns;
    return a;
}

/* PART of the rest of WHOLE_NS, in thousandths of a percent. */
static uint64_t share(uint64_t part, uint64_t whole_ns)
{
    uint64_t rest = whole_ns > part ? whole_ns - part : 1;
    unsigned __int128 result = (unsigned __int128)part * WHOLE / rest;
    return result < UINT32_MAX ? (uint64_t)result : UINT32_MAX;
}

static void change(struct recorder *r, uint64_t mean)
{
    struct sampler_budget *b = &r->sampler.budget;
    if (mean == atomic_load(&r->sampler.mean)) {
        return;
    }
    uint32_t i = b->changes % SAMPLER_CHANGES;
    b->change[i].elapsed_ns = clock_elapsed_ns(&r->clock);
    b->change[i].mean = mean;
    b->changes++;
    sampler_change(&r->sampler, mean);
}

/* Twice the mean until FACTOR, MAX_FACTOR at most, is reached. Every block is like a mean of the
 * size of small blocks. */
static uint64_t raised(uint64_t mean, uint64_t factor)
{
    uint64_t start = mean ? mean : FIRST_MEAN / 4, next = start * 2;
    factor = factor < MAX_FACTOR ? factor : MAX_FACTOR;
    while (next < LAST_MEAN && next / start < factor) {
        next *= 2;
    }
    return next > FIRST_MEAN ? next : FIRST_MEAN;
}

static uint64_t lowered(const struct sampler_budget *b, uint64_t mean)
{
    uint64_t next = mean / 2;
    if (next < b->base) {
        return b->base;
    }
    return next < FIRST_MEAN && b->base == 0 ? 0 : next;
}

/* A block costs when it is recorded and when it is freed, which may be much later: what is recorded
 * now is reckoned at the average cost of two calls so far. */
static void adapt(struct recorder *r, const struct sampler_account *now,
                  const struct sampler_account *before)
{
    struct sampler_budget *b = &r->sampler.budget;
    uint64_t mean = atomic_load(&r->sampler.mean), cpu = now->cpu_ns - before->cpu_ns;
    uint64_t each = 2 * (now->own_ns - now->fixed_ns) / (now->calls ? now->calls : 1);
    uint64_t cost = share((now->recorded - before->recorded) * each, cpu);
    uint64_t fixed = share(now->fixed_ns - before->fixed_ns, cpu);
    /* What passes costs, too, but a part must be left for what is recorded. */
    uint64_t room = b->limit > fixed + b->limit / 4 ? b->limit - fixed : b->limit / 4 + 1;
    if (atomic_load(&b->spent) > b->limit) {
        room = room / 2 + 1; /* what was too much is to be made up for */
    }
    if (cost > room && mean < LAST_MEAN) {
        change(r, raised(mean, cost / room));
    } else if (mean > b->base && now->allocs != before->allocs &&
               atomic_load(&b->spent) < b->limit) {
        /* From a mean to every block is a longer way than from a mean to its half. */
        uint64_t next = lowered(b, mean);
        if (cost < room / (next ? 4 : 16)) {
            change(r, next);
        }
    }
}

void sampler_budget_look(struct recorder *r)
{
    const struct sampler_account now = account_now(r);
    atomic_store(&r->sampler.budget.spent, (uint32_t)share(now.own_ns, now.cpu_ns));
}

void sampler_budget_end(struct recorder *r, struct sampler_clock *c, uint64_t began)
{
    struct sampler_budget *b = &r->sampler.budget;
    uint64_t now = clock_ticks(), ticks = now - began;
    ticks -= ticks < b->empty_ticks ? ticks : b->empty_ticks;
    ticks = ticks < MAX_TICKS ? ticks : MAX_TICKS;
    atomic_store_explicit(&c->ticks, counter_get(&c->ticks) + ticks, memory_order_relaxed);
    atomic_store_explicit(&c->timed, counter_get(&c->timed) + 1, memory_order_relaxed);
    if (likely(now < atomic_load_explicit(&b->due, memory_order_relaxed)) ||
        atomic_exchange(&b->busy, true)) {
        return;
    }
    uint64_t wait = MIN_CPU_NS;
    const struct sampler_account account = account_now(r);
    if (account.cpu_ns - b->seen.cpu_ns >= MIN_CPU_NS) {
        atomic_store(&b->spent, (uint32_t)share(account.own_ns, account.cpu_ns));
        adapt(r, &account, &b->seen);
        b->seen = account;
        wait = CHECK_NS;
    }
    atomic_store(&b->due, now + clock_ns_to_ticks(&r->clock, wait));
    atomic_store(&b->busy, false);
}
