/* SPDX-License-Identifier: MIT
 *
 * Stacks that are several in the other build.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>

/* What is compared: what is live, or, of stacks without that, what was allocated. */
struct amount {
    uint64_t count, bytes;
};

static struct amount amount_of(const struct figures *f, bool live)
{
    return live ? (struct amount){f->c.live_count, f->c.live_bytes}
                : (struct amount){f->c.alloc_count, f->c.alloc_bytes};
}

static bool is_equal(struct amount a, struct amount b)
{
    return a.count == b.count && a.bytes == b.bytes;
}

/* Whether A has room for B. */
static bool has_room(struct amount whole, struct amount a, struct amount b)
{
    return b.count <= whole.count && b.bytes <= whole.bytes && a.count <= whole.count - b.count &&
           a.bytes <= whole.bytes - b.bytes;
}

/* One side of a group: the entries that may be parts of a sum. */
struct side_of_group {
    const struct stackset *set;
    const uint32_t *entries;
    size_t n;
    const size_t *partner; /* of the new set; NULL: the old one */
    bool *used;            /* by entry: the old set's `taken`, the new one's `absorbed` */
};

static bool is_left_over(const struct side_of_group *s, uint32_t entry)
{
    return !s->used[entry] && (!s->partner || s->partner[entry] == COMPARE_FREE);
}

/* If FIRST and others of SIDE that are left over have together what WHOLE has: their sum. NULL:
 * they have not, and nothing has changed. */
static struct stackset_entry *sum_up(struct side_of_group *side, const struct stackset_entry *first,
                                     const struct figures *whole)
{
    bool live = whole->c.live_count > 0;
    struct amount goal = amount_of(whole, live), have = amount_of(&first->figures, live);
    struct stackset_entry sum = *first;
    uint32_t *parts = mem_alloc(side->n * sizeof *parts);
    size_t nparts = 0;
    bool reached = false;
    for (size_t i = 0; i < side->n && !reached; i++) {
        uint32_t entry = side->entries[i];
        const struct figures *f = &side->set->entries[entry].figures;
        struct amount more = amount_of(f, live);
        if (!is_left_over(side, entry) || more.count == 0 || !has_room(goal, have, more))
            continue;
        have.count += more.count;
        have.bytes += more.bytes;
        figures_add(&sum.figures, f);
        parts[nparts++] = entry;
        reached = is_equal(have, goal);
    }
    struct stackset_entry *made = NULL;
    if (reached) {
        made = mem_alloc(sizeof *made);
        *made = sum;
        for (size_t i = 0; i < nparts; i++)
            side->used[parts[i]] = true;
    }
    free(parts);
    return made;
}

static bool has_left_over(const struct side_of_group *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (is_left_over(s, s->entries[i]))
            return true;
    return false;
}

struct merge {
    struct matching *m;
    size_t *new_of; /* by entry of the old set: its partner, or COMPARE_FREE */
};

/* Whether the pair of the new entry AT is a sum already. */
static bool is_sum(const struct matching *m, size_t at)
{
    return m->old_sum[at] || m->new_sum[at];
}

static void merge_old(void *arg, const uint32_t *entries, size_t n)
{
    const struct merge *merge = arg;
    struct matching *m = merge->m;
    struct side_of_group side = {m->old, entries, n, NULL, m->taken};
    for (size_t i = 0; i < n && has_left_over(&side); i++) {
        size_t at = merge->new_of[entries[i]];
        if (at != COMPARE_FREE && !is_sum(m, at))
            m->old_sum[at] =
                sum_up(&side, &m->old->entries[entries[i]], &m->new->entries[at].figures);
    }
}

static void merge_new(void *arg, const uint32_t *entries, size_t n)
{
    const struct merge *merge = arg;
    struct matching *m = merge->m;
    struct side_of_group side = {m->new, entries, n, m->partner, m->absorbed};
    for (size_t i = 0; i < n && has_left_over(&side); i++) {
        size_t at = entries[i];
        if (m->partner[at] != COMPARE_FREE && !is_sum(m, at))
            m->new_sum[at] =
                sum_up(&side, &m->new->entries[at], &m->old->entries[m->partner[at]].figures);
    }
}

void compare_merged(struct matching *m)
{
    struct merge merge = {m, mem_alloc(m->old->n * sizeof *merge.new_of)};
    for (size_t i = 0; i < m->old->n; i++)
        merge.new_of[i] = COMPARE_FREE;
    for (size_t i = 0; i < m->new->n; i++)
        if (m->partner[i] != COMPARE_FREE)
            merge.new_of[m->partner[i]] = i;
    compare_each_group(m->old, merge_old, &merge);
    compare_each_group(m->new, merge_new, &merge);
    free(merge.new_of);
}
