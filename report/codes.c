/* SPDX-License-Identifier: MIT */
#include "codes.h"
#include "memory.h"

#include <stdlib.h>

/* An open-addressing table of codes, at most half full. */
struct table {
    uint32_t *slot; /* CODES_ROOT: free, as it is never looked for */
    size_t size;    /* a power of 2 */
};

static size_t slot_of(const struct table *t, int32_t module, uint64_t address)
{
    uint64_t hash = (address ^ (uint64_t)(uint32_t)module << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 20) & (t->size - 1);
}

/* Where the code of MODULE and ADDRESS is, or would go. */
static uint32_t *find(const struct table *t, const struct code *code, int32_t module,
                      uint64_t address)
{
    size_t i = slot_of(t, module, address);
    while (t->slot[i] != CODES_ROOT &&
           (code[t->slot[i]].address != address || code[t->slot[i]].module != module))
        i = (i + 1) & (t->size - 1);
    return &t->slot[i];
}

static void grow(struct table *t, const struct code *code, size_t n)
{
    t->size *= 2;
    free(t->slot);
    t->slot = mem_zero(t->size, sizeof *t->slot);
    for (size_t i = 1; i < n; i++)
        *find(t, code, code[i].module, code[i].address) = (uint32_t)i;
}

/* The address to look up. The arithmetic may wrap in a damaged dump, which then names no symbol. */
static uint64_t address_of(const struct dump *dump, const struct dump_frame *f)
{
    if (f->module < 0)
        return f->offset;
    const struct dump_module *module = &dump->modules[f->module];
    uint64_t address = f->offset - module->file_offset + module->start - module->load_bias;
    return f->interrupted ? address : address - 1;
}

struct codes codes_new(const struct dump *dump)
{
    struct codes c = {.of = mem_alloc(dump->nframes * sizeof *c.of)};
    struct table t = {.size = 512};
    size_t capacity = 0;
    c.code = mem_grow(NULL, &capacity, 1, sizeof *c.code);
    c.code[c.n++] = (struct code){.module = INT32_MIN};
    c.of[0] = CODES_ROOT;
    grow(&t, c.code, c.n);
    for (size_t f = 1; f < dump->nframes; f++) {
        int32_t module = dump->frames[f].module;
        uint64_t address = address_of(dump, &dump->frames[f]);
        uint32_t *slot = find(&t, c.code, module, address);
        if (*slot == CODES_ROOT) {
            *slot = (uint32_t)c.n;
            c.code = mem_grow(c.code, &capacity, c.n + 1, sizeof *c.code);
            c.code[c.n++] = (struct code){module, (uint32_t)f, address};
        }
        c.of[f] = *slot;
        if (2 * c.n > t.size)
            grow(&t, c.code, c.n);
    }
    free(t.slot);
    return c;
}

void codes_free(struct codes *c)
{
    free(c->code);
    free(c->of);
    *c = (struct codes){0};
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct code *code = arg;
    const struct code *x = &code[*(const uint32_t *)a], *y = &code[*(const uint32_t *)b];
    if (x->module != y->module)
        return x->module < y->module ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

uint32_t *codes_sorted(const struct codes *c, size_t *n)
{
    uint32_t *order = mem_alloc(c->n * sizeof *order);
    *n = 0;
    for (size_t i = 1; i < c->n; i++)
        if (c->code[i].module >= 0)
            order[(*n)++] = (uint32_t)i;
    qsort_r(order, *n, sizeof *order, compare, c->code);
    return order;
}
