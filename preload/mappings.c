/* SPDX-License-Identifier: MIT */
#include "mappings.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE ((uintptr_t)4096)

void mappings_init(struct mappings *m, struct arena_pool *kept)
{
    *m = (struct mappings){.tree.arena.pool = kept};
}

int mappings_begin(struct mappings *m, struct mapping_counts *counts, struct arena_pool *pool,
                   const struct clock *clock, const struct sites *sites)
{
    m->counts = counts;
    int result = mapping_counts_init(counts, pool, clock, sites);
    m->counts->inherited_count = m->held_count;
    m->counts->inherited_bytes = m->held_bytes;
    return result;
}

void mappings_child(struct mappings *m)
{
    if (atomic_load(&m->lock.state) != 0) {
        mappings_init(m, m->tree.arena.pool);
    }
}

static struct mapping *new_mapping(struct mappings *m)
{
    struct mapping *mapping = m->spare;
    if (mapping) {
        m->spare = mapping->next_spare;
        return mapping;
    }
    return arena_alloc(&m->tree.arena, sizeof *mapping);
}

/* Counts each piece of TAKEN as unmapped. Under the lock. */
static void count_gone(struct mappings *m, struct piece *taken)
{
    while (taken) {
        struct piece *next = taken->right;
        struct mapping *mapping = taken->of;
        const bool last = --mapping->pieces == 0;
        mapping_counts_remove(m->counts, mapping->site, taken->end - taken->start, last,
                              mapping->birth);
        m->held_bytes -= taken->end - taken->start;
        m->held_count -= last;
        if (last) {
            mapping->next_spare = m->spare;
            m->spare = mapping;
        }
        mapping_tree_drop(&m->tree, taken);
        taken = next;
    }
}

/* What is still recorded from START up to END went unseen. Under the lock. */
static void count_missed(struct mappings *m, uintptr_t start, uintptr_t end)
{
    if (mapping_tree_reserve(&m->tree)) {
        struct piece *stale = mapping_tree_cut(&m->tree, start, end);
        m->counts->missed_free_count += stale != NULL;
        count_gone(m, stale);
    }
}

void mappings_add(struct mappings *m, const struct mapping_call *call, uintptr_t start,
                  uintptr_t end, bool attached)
{
    if (start >= end) {
        return;
    }
    const sys_sigset before = sys_lock(&m->lock);
    count_missed(m, start, end);
    struct mapping *mapping = new_mapping(m);
    if (!mapping || !mapping_tree_reserve(&m->tree)) {
        m->counts->dropped_count++;
    } else if (mapping_counts_add(m->counts, call, end - start)) {
        *mapping = (struct mapping){.start = start,
                                    .size = end - start,
                                    .birth = clock_ticks() - m->counts->clock->start_ticks,
                                    .site = call->site,
                                    .attached = attached};
        mapping_tree_add(&m->tree, start, end, mapping);
        m->held_bytes += end - start;
        m->held_count++;
        mapping = NULL;
    }
    if (mapping) {
        mapping->next_spare = m->spare;
        m->spare = mapping;
    }
    sys_unlock(&m->lock, before);
}

void mappings_failed(struct mappings *m, uint32_t site)
{
    const sys_sigset before = sys_lock(&m->lock);
    mapping_counts_failed(m->counts, site);
    sys_unlock(&m->lock, before);
}

void mappings_dropped(struct mappings *m)
{
    const sys_sigset before = sys_lock(&m->lock);
    m->counts->dropped_count++;
    sys_unlock(&m->lock, before);
}

struct piece *mappings_take(struct mappings *m, uintptr_t start, uintptr_t end)
{
    struct piece *taken = NULL;
    const sys_sigset before = sys_lock(&m->lock);
    if (mapping_tree_reserve(&m->tree)) {
        taken = mapping_tree_cut(&m->tree, start, end);
    } else {
        m->counts->dropped_count++;
    }
    sys_unlock(&m->lock, before);
    return taken;
}

struct piece *mappings_take_attached(struct mappings *m, uintptr_t start)
{
    struct piece *taken = NULL, **to = &taken;
    const sys_sigset before = sys_lock(&m->lock);
    struct piece *p = mapping_tree_at(&m->tree, start);
    while (p) {
        const uintptr_t end = p->end;
        if (p->of->attached && p->of->start == start) {
            /* A whole piece: nothing is divided, so nothing need be reserved. */
            *to = mapping_tree_cut(&m->tree, p->start, p->end);
            to = &(*to)->right;
        }
        p = mapping_tree_at(&m->tree, end);
    }
    sys_unlock(&m->lock, before);
    return taken;
}

void mappings_gone(struct mappings *m, struct piece *taken, bool knowable)
{
    if (!taken && !knowable) {
        return;
    }
    const sys_sigset before = sys_lock(&m->lock);
    m->counts->unknown_free_count += !taken;
    count_gone(m, taken);
    sys_unlock(&m->lock, before);
}

/* Whether nothing is missing from START up to END. */
static bool is_mapped(uintptr_t start, uintptr_t end)
{
    start &= ~(PAGE - 1);
    return sys_call(SYS_msync, (long)start, (long)(end - start), MS_ASYNC, 0, 0, 0) != -ENOMEM;
}

void mappings_put_back(struct mappings *m, struct piece *taken, bool probe)
{
    if (!taken) {
        return;
    }
    const sys_sigset before = sys_lock(&m->lock);
    while (taken) {
        struct piece *next = taken->right;
        taken->right = NULL;
        if (probe && !is_mapped(taken->start, taken->end)) {
            count_gone(m, taken);
        } else {
            mapping_tree_put_back(&m->tree, taken);
        }
        taken = next;
    }
    sys_unlock(&m->lock, before);
}
