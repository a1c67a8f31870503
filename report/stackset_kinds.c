/* SPDX-License-Identifier: MIT
 *
 * Kinds of leaks in sets of stacks.
 */
#include "leaks.h"
#include "memory.h"
#include "stackset.h"

static struct stackset_entry *find(const struct stackset *s, uint32_t node)
{
    return node < s->nodes && s->entry_of[node] ? &s->entries[s->entry_of[node] - 1] : NULL;
}

void stackset_put_kind(struct stackset *s, uint32_t node, enum dump_leak_kind kind, uint64_t count,
                       uint64_t bytes)
{
    struct stackset_entry *e = find(s, node);
    if (!e)
        return;
    if (!e->kinds) {
        s->kinds = mem_grow(s->kinds, &s->kinds_capacity, s->nkinds + 1, sizeof *s->kinds);
        s->kinds[s->nkinds++] = (struct stackset_kinds){{0}, {0}};
        e->kinds = (uint32_t)s->nkinds;
    }
    struct stackset_kinds *k = &s->kinds[e->kinds - 1];
    k->count[kind] = figures_sum(k->count[kind], count);
    k->bytes[kind] = figures_sum(k->bytes[kind], bytes);
}

void stackset_add_kinds(struct stackset *s, const struct model *m, const uint32_t *nodes)
{
    const struct dump *dump = m->dump;
    if (!leaks_are_told(dump))
        return;
    s->classified = s->classified || dump->leaks.classified;
    s->unclassified = s->unclassified || !dump->leaks.classified;
    for (size_t i = 0; i < dump->leaks.nrecords; i++) {
        const struct dump_leak_record *r = &dump->leaks.records[i];
        stackset_put_kind(s, nodes[r->frame], r->kind, r->count, r->bytes);
    }
}

bool stackset_has_kinds(const struct stackset *s)
{
    return s->classified && !s->unclassified;
}

void stackset_keep_kinds(struct stackset *s, unsigned mask)
{
    for (size_t i = 0; i < s->n; i++) {
        struct stackset_entry *e = &s->entries[i];
        struct dump_counters *c = &e->figures.c;
        c->live_count = c->live_bytes = 0;
        for (unsigned kind = 0; e->kinds && kind < DUMP_LEAK_KIND_COUNT; kind++) {
            const struct stackset_kinds *k = &s->kinds[e->kinds - 1];
            if (!(mask & 1u << kind))
                continue;
            c->live_count = figures_sum(c->live_count, k->count[kind]);
            c->live_bytes = figures_sum(c->live_bytes, k->bytes[kind]);
        }
    }
    stackset_keep_live(s);
}
