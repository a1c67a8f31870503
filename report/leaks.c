/* SPDX-License-Identifier: MIT */
#include "leaks.h"
#include "memory.h"

#include <stdlib.h>

struct leaks leaks_new(const struct model *m, const char *file_glob, const char *function_glob)
{
    const struct dump *dump = m->dump;
    struct leaks l = {.model = m, .filtered = file_glob || function_glob};
    size_t capacity = 0;
    bool *matching = model_matching(m, file_glob, function_glob);
    uint32_t *record_of = mem_zero(dump->nframes, sizeof *record_of); /* plus 1; 0: none */
    for (size_t i = 0; i < dump->nsites; i++) {
        const struct dump_site *s = &dump->sites[i];
        if ((s->c.live_count == 0 && s->c.live_bytes == 0) || !matching[s->frame])
            continue;
        if (record_of[s->frame] == 0) {
            l.records = mem_grow(l.records, &capacity, l.n + 1, sizeof *l.records);
            l.records[l.n++] = (struct leak_record){.frame = s->frame};
            record_of[s->frame] = (uint32_t)l.n;
        }
        figures_add_site(&l.records[record_of[s->frame] - 1].figures, s, true);
        figures_add_site(&l.total, s, false);
    }
    l.stacks = l.n;
    free(record_of);
    free(matching);
    return l;
}

void leaks_free(struct leaks *l)
{
    for (size_t i = 0; i < l->n; i++)
        figures_drop(&l->records[i].figures);
    free(l->records);
    *l = (struct leaks){0};
}

struct sorting {
    const struct dump *dump;
    const struct column *column;
};

static int by_column(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    const struct leak_record *x = a, *y = b;
    int order = columns_compare(s->column, &x->figures, &y->figures, s->dump);
    return order ? order : x->frame < y->frame ? -1 : 1;
}

void leaks_sort(struct leaks *l, const struct column *column)
{
    struct sorting s = {l->model->dump, column};
    if (l->n)
        qsort_r(l->records, l->n, sizeof *l->records, by_column, &s);
}

void leaks_limit(struct leaks *l, size_t n)
{
    while (n > 0 && l->n > n) {
        figures_drop(&l->records[--l->n].figures);
        l->left_out++;
    }
}

struct leak_stack leaks_stack(const struct leaks *l, const struct leak_record *r, size_t limit)
{
    struct leak_stack s = {0};
    s.refs = model_stack(l->model, r->frame, &s.n);
    if (limit && s.n > limit) {
        s.left_out = s.n - limit;
        s.n = limit;
    }
    return s;
}

void leaks_stack_free(struct leak_stack *stack)
{
    free(stack->refs);
    *stack = (struct leak_stack){0};
}
