/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include <errno.h>

#include "event.h"
#include "sandbox.h"

#define VERIFY_MAX ((size_t)1024) /* frames compared */
#define VERIFY_OWN ((size_t)16)   /* frames of ours that a walk from here begins with */
#define VERIFY_ROOM ((size_t)32 << 10)

/* Compares the stack just captured with libunwind's plain walk, frame by frame; not where the
 * stack is so small that a second walk might not fit, nor in a sandbox: it makes system calls. */
static void verify(struct recorder *r, struct thread *t, const struct stack_start *start)
{
    const struct stack *s = &t->stack;
    if (!t->verify) {
        t->verify = arena_alloc(&t->own, (VERIFY_MAX + VERIFY_OWN) * sizeof *t->verify);
    }
    if (!t->verify || !unwinder_has_plain(r->unwinder) || atomic_load(&sandbox_on) ||
        !stack_has_room(&t->stack, start->sp, VERIFY_ROOM)) {
        return;
    }
    size_t limit = s->max < VERIFY_MAX ? s->max : VERIFY_MAX;
    guard_tls.internal = true;
    size_t n = unwinder_plain_walk(r->unwinder, t->verify, limit + VERIFY_OWN);
    guard_tls.internal = false;
    size_t skip = 0;
    while (skip < n && (uintptr_t)t->verify[skip] != start->ip) {
        skip++;
    }
    n -= skip;
    n = n < limit ? n : limit;
    bool same = n == (s->n < limit ? s->n : limit);
    for (size_t i = 0; same && i < n; i++) {
        same = (uintptr_t)t->verify[skip + i] == s->ip[i];
    }
    counter_add(&t->verified_count, 1);
    if (!same) {
        counter_add(&t->different_count, 1);
    }
}

/* A stack that this thread has not met: finds or makes its site. */
static __attribute__((noinline)) struct shard *new_shard(struct recorder *r, struct thread *t,
                                                         enum site_function function, uint64_t hash)
{
    uint32_t site = sites_intern(&r->sites, &t->stack, function);
    uint64_t epoch = atomic_load_explicit(&r->peak.epoch, memory_order_relaxed);
    struct shard *shard = site ? thread_shard(t, site, epoch) : NULL;
    if (shard) {
        thread_remember(t, hash, shard);
    }
    return shard;
}

/* With MEMPROF_VERIFY stacks that are known whole are entered as of no function, so that all come
 * to find_shard_slow. */
#define FUNCTION_VERIFIED 0x80u

/* The shard of the stack that was just found. NEW: this thread has not met it before. */
static struct shard *look_up(struct recorder *r, struct thread *t, enum site_function function,
                             bool *new)
{
    struct stack *s = &t->stack;
    *new = false;
    if (unlikely(t->generation != s->generation)) {
        thread_forget(t);
        t->generation = s->generation;
    }
    const uint64_t hash = stack_hash(s, ((uint64_t)function + 1) * 0x9e3779b97f4a7c15u);
    struct shard *shard = thread_find(t, hash);
    if (!shard) {
        *new = true;
        if (s->trace || !(s->flags & STACK_SPINE)) { /* whose frames are where they are */
            stack_frames(s);
        }
        shard = new_shard(r, t, function, hash);
    }
    return shard;
}

/* For a stack that is not known whole, or as KNOWN of another function. */
static struct shard *find_shard(struct recorder *r, struct thread *t, enum site_function function,
                                const struct stack_start *start, const struct known *known)
{
    struct stack *s = &t->stack;
    struct rules *rules = r->unwind_trouble ? NULL : &r->rules;
    const bool verifying = r->options.verify && rules;
    const int saved = errno;
    stack_find(s, rules, modules_generation(&r->modules), start);
    counter_add(&t->truncated_stack_count, stack_is_cut(s));
    if (unlikely(verifying)) {
        stack_frames(s);
        if (known) {
            s->n = knowns_frames(known, start->ip, s->flat, s->max);
        }
        verify(r, t, start);
    }
    bool new;
    struct shard *shard = look_up(r, t, function, &new);
    const bool keep = shard && !new && !known &&knowns_wants(&s->knowns);
    if (keep && counter_get(&shard->alloc_count) > 1) {
        const unsigned as = (unsigned)function | (verifying ? FUNCTION_VERIFIED : 0);
        stack_keep_whole(s, rules, start, shard, (uint16_t)as);
    }
    errno = saved;
    return shard;
}

struct shard *recorder_find_shard(struct recorder *r, struct thread *t, enum site_function function,
                                  struct stack_start start, const struct known *x)
{
    if (x && (x->as & ~KNOWN_CUT) == (int)function) {
        counter_add(&t->truncated_stack_count, x->as != (int)function);
        return x->shard;
    }
    return find_shard(r, t, function, &start, x);
}

/* Remembers the block at ADDRESS. */
static inline enum live_result insert(struct recorder *r, struct thread *t, uintptr_t address,
                                      const struct weighted_block *block,
                                      struct weighted_block *old)
{
    if (unlikely(r->sampler.on)) {
        return sampler_set_put(&r->sampler.set, address, block, old);
    }
    old->weight = 1;
    return live_insert(&r->live, &t->live_cache, address, &block->block, &old->block);
}

bool recorder_alloc_trouble(struct recorder *r, struct thread *t, const struct shard *shard,
                            enum live_result result, const struct live_block *old,
                            uint64_t old_weight)
{
    if (result == LIVE_REPLACED) {
        counter_add(&t->missed_free_count, 1);
        count_free(r, t, old, old_weight, false, true);
    }
    if (!shard || result == LIVE_FULL) {
        counter_add(&t->dropped_count, 1);
        return false;
    }
    return true;
}

static __attribute__((noinline)) bool record_sampled(struct recorder *r, struct thread *t,
                                                     enum site_function function, uintptr_t address,
                                                     uint64_t size, const struct stack_start *start,
                                                     bool reallocated)
{
    const uint64_t weight = t->meter ? sampler_weigh(t->meter, size) : 1;
    if (weight == 0) {
        return false;
    }
    struct shard *shard = recorder_find_shard(r, t, function, *start, event_find(r, t, *start));
    if (weight > 1 && shard && !sampler_variance_of(shard, &t->arena)) {
        shard = NULL;
    }
    struct weighted_block old, block = {.weight = weight};
    block.block.birth = count_birth(r, t);
    const bool due = count_due(r, t);
    block.block.site = shard ? shard_site(shard) : SITE_UNCOUNTED;
    block.block.size = size;
    enum live_result result = insert(r, t, address, &block, &old);
    if ((result == LIVE_OK && shard) ||
        recorder_alloc_trouble(r, t, shard, result, &old.block, old.weight)) {
        count_alloc(r, t, shard, size, weight, reallocated, true);
        count_alloc_of_thread(t, size, weight);
        t->last_block = address;
    }
    if (t->meter) {
        sampler_draw(&r->sampler, t->meter);
        recorder_card_passed(t);
    }
    return due;
}

void recorder_alloc_uncounted(struct recorder *r, struct thread *t, uintptr_t address,
                              uint64_t size)
{
    struct live_block old, block = {.site = SITE_UNCOUNTED, .size = size};
    enum live_result result = live_insert(&r->live, &t->live_cache, address, &block, &old);
    recorder_alloc_trouble(r, t, NULL, result, &old, 1);
}

bool recorder_alloc(struct recorder *r, struct thread *t, enum site_function function,
                    uintptr_t address, uint64_t size, const struct stack_start *start,
                    bool reallocated)
{
    if (unlikely(r->sampler.on)) {
        return record_sampled(r, t, function, address, size, start, reallocated);
    }
    return event_alloc(r, t, function, address, size, *start, event_find(r, t, *start),
                       reallocated);
}

bool recorder_failed(struct recorder *r, struct thread *t, enum site_function function,
                     uint64_t size, const struct stack_start *start)
{
    struct shard *shard = recorder_find_shard(r, t, function, *start, event_find(r, t, *start));
    struct shard_rare *rare = shard ? shard_rare_of(shard, &t->arena) : NULL;
    counter_add(rare ? &rare->failed_count : &t->dropped_count, 1);
    if (size > r->machine_bytes || (errno != ENOMEM && function != SITE_posix_memalign)) {
        return false; /* posix_memalign returns what others leave in errno */
    }
    atomic_store(&r->failed_bytes, size + 1);
    return true;
}

/* Takes the block at ADDRESS out of where `insert` put it. Of one that was adopted nothing is
 * known. */
static inline bool take(struct recorder *r, struct live_cache *cache, uintptr_t address,
                        struct weighted_block *block)
{
    if (unlikely(r->sampler.on)) {
        return sampler_set_take(&r->sampler.set, address, block) && block->weight != 0;
    }
    block->weight = 1;
    return live_remove(&r->live, cache, address, &block->block);
}

bool recorder_take(struct recorder *r, struct thread *t, uintptr_t address,
                   struct weighted_block *block)
{
    return take(r, &t->live_cache, address, block);
}

static __attribute__((noinline)) void unknown_free(struct recorder *r, struct thread *t)
{
    if (!sampler_freed_passed(&r->sampler, t->meter)) {
        counter_add(&t->unknown_free_count, 1);
    }
}

void recorder_freed(struct recorder *r, struct thread *t, uintptr_t address,
                    const struct weighted_block *block, bool known)
{
    const bool temporary = event_is_temporary(t, address) && sampler_last_is_newest(t->meter);
    if (!known) {
        unknown_free(r, t);
    } else if (!r->sampler.on) {
        count_free(r, t, &block->block, 1, temporary, false);
    } else {
        count_free(r, t, &block->block, block->weight, temporary, true);
    }
}

void recorder_free(struct recorder *r, struct thread *t, uintptr_t address)
{
    struct weighted_block block;
    const bool known = take(r, &t->live_cache, address, &block);
    recorder_freed(r, t, address, &block, known);
}

void recorder_put_back(struct recorder *r, struct thread *t, uintptr_t address,
                       const struct weighted_block *block)
{
    struct weighted_block old;
    if (insert(r, t, address, block, &old) == LIVE_FULL) {
        counter_add(&t->dropped_count, 1);
    }
}

void recorder_live(struct recorder *r, uint64_t *bytes, uint64_t *count)
{
    *bytes = *count = 0;
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        *bytes += (uint64_t)atomic_load_explicit(&t->share.live, memory_order_relaxed);
        *count += counter_get(&t->live_count);
    }
    /* What is freed elsewhere after its thread was looked at may be more than all that is left. */
    *bytes = (int64_t)*bytes < 0 ? 0 : *bytes;
    *count = (int64_t)*count < 0 ? 0 : *count;
}

void recorder_thread_counts(const struct thread *t, struct thread_record *record)
{
    record->tid = t->tid;
    record->alloc_count = counter_get(&t->alloc_count);
    record->alloc_bytes = counter_get(&t->alloc_bytes);
    record->free_count = counter_get(&t->free_count);
    if (t->meter) {
        sampler_counts(t->meter, &record->alloc_count, &record->alloc_bytes, &record->free_count);
    }
}
