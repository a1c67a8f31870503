/* SPDX-License-Identifier: MIT
 *
 * Searches that do not end where they begin. Stacks that are met often come to be found there.
 */
#include "known.h"

#define BARRIER() __asm__ volatile("" ::: "memory")

/* What was found further on comes to where it is looked for first. Whatever was there is still
 * found from its own place: none between the two is empty. A handler may leave in the middle by
 * longjmp: then one of them is lost, or there twice, but none leads to what is the other's. */
static void edge_comes_first(struct known_edge *first, struct known_edge *found)
{
    const struct known_edge a = *first, b = *found;
    first->tag = found->tag = KNOWN_END;
    BARRIER();
    first->to = b.to;
    found->to = a.to;
    BARRIER();
    first->tag = b.tag;
    found->tag = a.tag;
}

static void head_comes_first(struct known_head *first, struct known_head *found)
{
    const uintptr_t none = 1; /* no code, and not empty */
    const struct known_head a = *first, b = *found;
    first->ip = found->ip = none;
    BARRIER();
    first->sp = b.sp;
    first->to = b.to;
    found->sp = a.sp;
    found->to = a.to;
    BARRIER();
    first->ip = b.ip;
    found->ip = a.ip;
}

/* The id of the stack below ID along the words at SP, or 0. */
static uint32_t leaf_first(struct known_table *t, uint32_t id, uintptr_t sp)
{
    while (!(id & KNOWN_STACK) && id != 0) {
        uint32_t tag;
        struct known_edge *first = known_edge_first(t, id, known_node_word(id, sp), &tag);
        if (first->tag != tag) {
            struct known_edge *found = known_edge_from(t, (size_t)(first - t->edges), tag);
            if (found->tag == 0) {
                return 0;
            }
            edge_comes_first(first, found);
        }
        id = first->to;
    }
    return id;
}

const struct known known_not_there = {.as = UINT16_MAX};

/* The same from the head at AT on. */
static const struct known *find_from(struct known_table *t, size_t at, uintptr_t ip, uintptr_t sp,
                                     uintptr_t bp)
{
    struct known_head *const first = &t->heads[known_heads_start(t, ip, sp)];
    for (;;) {
        struct known_head *head = known_head(t, ip, sp, &at);
        if (head->ip == 0) {
            return NULL;
        }
        const struct known *x;
        for (uint32_t id = leaf_first(t, head->to, sp); id != 0; id = x->next) {
            x = known_at(t, id);
            if (known_holds(x, sp, bp)) {
                if (head != first) {
                    head_comes_first(first, head);
                }
                return x;
            }
        }
    }
}

const struct known *knowns_find_any(const struct knowns *k, uintptr_t ip, uintptr_t sp,
                                    uintptr_t bp)
{
    return find_from(k->table, known_heads_start(k->table, ip, sp), ip, sp, bp);
}

const struct known *knowns_find_behind(const struct knowns *k, uintptr_t ip, uintptr_t sp,
                                       uintptr_t bp)
{
    size_t at = known_heads_start(k->table, ip, sp);
    known_head(k->table, ip, sp, &at);
    return find_from(k->table, at, ip, sp, bp);
}
