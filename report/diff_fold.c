/* SPDX-License-Identifier: MIT
 *
 * Sets of stacks by line and by function.
 */
#include "diff.h"
#include "memory.h"

#include <stdlib.h>

struct fold {
    struct stackset *to;
    struct identities *t;
    enum diff_by by;
    uint32_t *seen; /* by frame: in which stack last, plus 1 */
    size_t nseen;
};

static uint32_t unit_of(const struct fold *f, uint32_t node)
{
    uint32_t frame = identities_node_at(f->t, node)->frame;
    return f->by == DIFF_BY_LINE ? frame : identities_frame_at(f->t, frame)->call;
}

/* The frame that allocates: the innermost whose line is known, else whose name is. */
static uint32_t self_node(const struct identities *t, uint32_t node)
{
    uint32_t named = IDENTITY_ROOT;
    for (uint32_t n = node; n != IDENTITY_ROOT; n = identities_node_at(t, n)->parent) {
        const struct identity_frame *frame = identities_innermost(t, n);
        if (frame->line != IDENTITY_NO_LINE)
            return n;
        if (frame->function && named == IDENTITY_ROOT)
            named = n;
    }
    return named != IDENTITY_ROOT ? named : node;
}

/* Charges the line or function UNIT for ENTRY, the stack number INDEX. */
static void charge(struct fold *f, uint32_t unit, const struct stackset_entry *entry, size_t index)
{
    size_t had = f->nseen;
    f->seen = mem_grow(f->seen, &f->nseen, (size_t)unit + 1, sizeof *f->seen);
    for (size_t i = had; i < f->nseen; i++)
        f->seen[i] = 0;
    if (f->seen[unit] == index + 1)
        return;
    f->seen[unit] = (uint32_t)index + 1;
    stackset_put_from(f->to, identities_push(f->t, IDENTITY_ROOT, unit), entry);
}

struct stackset *diff_fold(const struct stackset *s, enum diff_by by, bool self)
{
    struct fold f = {.to = stackset_new(s->name, s->identities), .t = s->identities, .by = by};
    f.to->whole = s->whole;
    f.to->total = s->total;
    f.to->baseline = s->baseline;
    f.to->live_only = s->live_only;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t node = s->entries[i].node;
        if (self) {
            charge(&f, unit_of(&f, self_node(f.t, node)), &s->entries[i], i);
            continue;
        }
        for (; node != IDENTITY_ROOT; node = identities_node_at(f.t, node)->parent)
            charge(&f, unit_of(&f, node), &s->entries[i], i);
    }
    free(f.seen);
    stackset_sort(f.to);
    return f.to;
}
