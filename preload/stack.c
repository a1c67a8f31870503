/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <string.h>

#include "stack_hash.h"
#include "walk.h"

/* Stacks are known down to the outermost frame, so more frames than are told must fit. */
#define MIN_SIZE ((size_t)2048)

static size_t size_for(size_t max)
{
    return max < MIN_SIZE ? MIN_SIZE : max;
}

size_t stack_memory(size_t max)
{
    return traces_memory() + (size_for(max) + 1) * sizeof(struct trace_step) +
           (max + 1) * sizeof(uintptr_t) + spine_memory(size_for(max));
}

void stack_init(struct stack *s, size_t max, void *memory, struct arena_pool *pool,
                const _Atomic uint64_t *events)
{
    memset(s, 0, sizeof *s);
    knowns_init(&s->knowns, pool, events);
    s->max = max;
    s->size = size_for(max);
    traces_init(&s->traces, memory);
    s->step = (struct trace_step *)((char *)memory + traces_memory());
    s->spine = spine_init(s->step + s->size + 1, s->size);
    s->flat = (uintptr_t *)((char *)s->spine + spine_memory(s->size));
    s->cut_power = 1;
    for (size_t i = 0; i < max; i++) {
        s->cut_power *= STACK_HASH_FACTOR;
    }
}

/* Enters the fresh frames, from the outermost inward. */
static void keep(struct stack *s)
{
    uint64_t hash = s->known ? s->known->hash : 0;
    size_t i = s->fresh;
    while (i > 0) {
        i--;
        hash = stack_hash_extend(hash, s->step[i].ip);
        struct trace *x = traces_enter(&s->traces, &s->step[i], s->known, hash);
        if (unlikely(!x)) {
            i++;
            hash = s->known ? s->known->hash : 0;
            break;
        }
        s->known = x;
    }
    s->fresh = i;
    while (i-- > 0) {
        hash = stack_hash_extend(hash, s->step[i].ip);
    }
    s->hash = hash;
    s->trace = s->fresh == 0 ? s->known : NULL;
}

void stack_walk(struct stack *s, struct rules *rules, uint32_t generation,
                const struct stack_start *start, const struct trace_miss *miss)
{
    const struct trace_miss none = {0};
    s->flags = 0;
    s->trace = s->known = NULL;
    if (unlikely(s->generation != generation)) {
        traces_forget(&s->traces);
        knowns_forget(&s->knowns);
        spine_forget(s->spine);
        s->generation = generation;
        miss = &none;
    }
    if (unlikely(!rules || !rules_plausible(start->ip))) {
        s->step[0].ip = start->ip;
        s->fresh = 1;
        s->flags = STACK_TRUNCATED;
        return;
    }
    if (likely(walk_plainly(s, rules, start))) {
        return;
    }
    if (unlikely(s->traces.used == s->traces.limit)) {
        traces_grow(&s->traces);
        miss = &none;
    }
    if (likely(walk_out(s, rules, start, miss))) {
        s->flags |= STACK_KEPT;
        keep(s);
    }
}

void stack_frames(struct stack *s)
{
    if (s->trace) {
        s->flags = STACK_KEPT;
        s->fresh = 0;
        s->known = s->trace;
    }
    s->ip = s->flat;
    if (s->flags & STACK_WALKED) {
        const size_t n = s->flags & STACK_SPINE ? s->n : 0;
        for (size_t i = 0; i < n; i++) {
            s->flat[i] = spine_step(s->spine, n - 1 - i)->ip;
        }
        return;
    }
    s->n = s->fresh < s->max ? s->fresh : s->max;
    for (size_t i = 0; i < s->n; i++) {
        s->flat[i] = s->step[i].ip;
    }
    const struct trace *x = s->known;
    for (; x && s->n < s->max; x = trace_outer(&s->traces, x)) {
        s->flat[s->n++] = x->ip;
    }
    if (s->fresh > s->max || x) {
        s->flags |= STACK_TRUNCATED;
    }
}

void stack_capture(struct stack *s, struct rules *rules, uint32_t generation,
                   const struct stack_start *start)
{
    stack_find(s, rules, generation, start);
    stack_frames(s);
}

void stack_keep_whole(struct stack *s, struct rules *rules, const struct stack_start *start,
                      struct shard *shard, uint16_t function)
{
    if (s->trace || (s->flags & (STACK_WALKED | STACK_FOREIGN | STACK_SIGNAL)) == STACK_WALKED) {
        const bool cut = stack_is_cut(s);
        const struct trace_step *step = s->step;
        size_t n = 0;
        if (!s->trace && (s->flags & STACK_SPINE)) {
            n = s->n;
            step = spine_step(s->spine, n - 1);
        } else {
            n = walk_whole(s, rules, start);
        }
        knowns_enter(&s->knowns, step, n, shard, function, cut);
    }
}

/* The hash of what lies beyond the first `max` frames. */
static uint64_t hash_beyond(const struct stack *s, const struct trace *x, size_t fresh)
{
    for (size_t n = fresh; x && n < s->max; n++) {
        x = trace_outer(&s->traces, x);
    }
    return x ? x->hash : 0;
}

/* Without known frames, or so many in front of them that none of those is told. */
static uint64_t hash_all(const struct stack *s)
{
    bool flat = s->flags & STACK_WALKED;
    size_t n = flat ? s->n : s->fresh;
    uint64_t h = 0;
    for (size_t i = n < s->max ? n : s->max; i-- > 0;) {
        h = stack_hash_extend(h, flat ? s->flat[i] : s->step[i].ip);
    }
    return h;
}

/* KNOWN outward, behind FRESH frames whose hash with it is HASH. */
static uint64_t hash_told(const struct stack *s, const struct trace *known, size_t fresh,
                          uint64_t hash)
{
    if (likely(fresh + (known ? known->depth : 0) <= s->max)) {
        return hash;
    }
    return hash - hash_beyond(s, known, fresh) * s->cut_power;
}

uint64_t stack_hash(const struct stack *s, uint64_t seed)
{
    uint64_t h;
    if (likely(s->trace != NULL)) {
        h = hash_told(s, s->trace, 0, s->trace->hash);
    } else if ((s->flags & STACK_KEPT) && s->fresh <= s->max) {
        h = hash_told(s, s->known, s->fresh, s->hash);
    } else if (s->flags & STACK_SPINE) {
        h = s->spine->frame[s->n - 1].hash;
    } else {
        h = hash_all(s);
    }
    h = (h ^ seed) * STACK_HASH_FACTOR;
    h ^= h >> 32;
    return h ? h : 1;
}
