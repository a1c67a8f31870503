/* SPDX-License-Identifier: MIT */
#include "segments.h"

#include <stdlib.h>

int spans_add(struct spans *s, struct span span)
{
    if (span.low >= span.high)
        return 0;
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct span *at = reallocarray(s->at, capacity, sizeof *at);
        if (!at)
            return -1;
        s->at = at;
        s->capacity = capacity;
    }
    s->at[s->n++] = span;
    return 0;
}

void spans_free(struct spans *s)
{
    free(s->at);
    *s = (struct spans){0};
}

static int compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void emit(struct segments *out, uint64_t low, uint32_t id)
{
    if (out->n > 0 && out->at[out->n - 1].low == low)
        out->at[out->n - 1].id = id;
    else
        out->at[out->n++] = (struct segment){low, id};
}

int segments_build(struct segments *out, struct spans *spans)
{
    *out = (struct segments){0};
    if (spans->n == 0)
        return 0;
    qsort(spans->at, spans->n, sizeof *spans->at, compare);
    /* Each range opens one segment and closes one. */
    out->at = calloc(2 * spans->n, sizeof *out->at);
    struct span *open = calloc(spans->n, sizeof *open);
    if (!out->at || !open) {
        free(open);
        segments_free(out);
        return -1;
    }
    size_t depth = 0;
    for (size_t i = 0; i <= spans->n; i++) {
        const struct span *next = i < spans->n ? &spans->at[i] : NULL;
        while (depth > 0 && (!next || open[depth - 1].high <= next->low)) {
            uint64_t end = open[--depth].high;
            emit(out, end, depth > 0 ? open[depth - 1].id : SEGMENTS_NONE);
        }
        if (!next)
            break;
        open[depth] = *next;
        /* A range that outlives the one around it is cut: then ends are in order. */
        if (depth > 0 && open[depth].high > open[depth - 1].high)
            open[depth].high = open[depth - 1].high;
        depth++;
        emit(out, next->low, next->id);
    }
    free(open);
    return 0;
}

void segments_free(struct segments *s)
{
    free(s->at);
    *s = (struct segments){0};
}

uint32_t segments_find(const struct segments *s, uint64_t address)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? s->at[low - 1].id : SEGMENTS_NONE;
}
