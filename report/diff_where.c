/* SPDX-License-Identifier: MIT
 *
 * Where what has changed is: from the model of a dump, or from what a baseline knows.
 */
#include "cells.h"
#include "diff.h"
#include "memory.h"
#include "pathname.h"

#include <inttypes.h>
#include <stdlib.h>

static struct diff_spot spot_of_place(struct identities *t, const struct place *p)
{
    uint32_t frame = identities_frame_of_place(t, p);
    return (struct diff_spot){.function = p->function,
                              .file = p->file,
                              .module = p->module,
                              .line = p->file ? p->line : 0,
                              .offset = frame == IDENTITY_NO_FRAME
                                            ? IDENTITY_NO_LINE
                                            : identities_frame_at(t, frame)->line};
}

static struct diff_spot spot_of_frame(const struct identity_frame *f)
{
    return (struct diff_spot){.function = f->function, .module = f->module, .offset = f->line};
}

/* The place of the model that the line or function of ENTRY stands for. */
static struct diff_spot find_unit(const struct diff *d, const struct stackset_entry *entry)
{
    struct identities *t = d->new->identities;
    const struct model *m = entry->model;
    uint32_t unit = identities_node_at(t, entry->node)->frame;
    struct diff_spot spot = spot_of_frame(identities_frame_at(t, unit));
    size_t n = 0;
    /* What has no name stands for many places. */
    struct model_ref *stack = m && spot.function ? model_stack(m, entry->frame, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct place *p = &m->places[stack[i].place];
        uint32_t frame = identities_frame_of_place(t, p);
        if (frame == IDENTITY_NO_FRAME)
            continue;
        if (d->by == DIFF_BY_FUNCTION)
            frame = identities_frame_at(t, frame)->call;
        if (frame != unit)
            continue;
        spot = spot_of_place(t, p);
        /* Any of its lines would say too much, if the function is one row. */
        if (frame == identities_frame_at(t, frame)->call) {
            spot.line = 0;
            spot.offset = IDENTITY_NO_LINE;
        }
        break;
    }
    free(stack);
    return spot;
}

struct diff_spot diff_spot(const struct diff *d, const struct stackset_entry *entry)
{
    struct identities *t = d->new->identities;
    if (d->by != DIFF_BY_STACK)
        return find_unit(d, entry);
    if (entry->model && entry->model->self[entry->frame] != MODEL_NONE)
        return spot_of_place(t, &entry->model->places[entry->model->self[entry->frame]]);
    uint32_t node = entry->node;
    while (node != IDENTITY_ROOT && identities_innermost(t, node)->line == IDENTITY_NO_LINE)
        node = identities_node_at(t, node)->parent;
    return spot_of_frame(identities_innermost(t, node != IDENTITY_ROOT ? node : entry->node));
}

struct diff_stack diff_stack(const struct diff *d, const struct stackset_entry *entry, size_t limit)
{
    struct identities *t = d->new->identities;
    const struct model *m = entry->model;
    struct diff_stack s = {0};
    struct model_ref *refs = m ? model_stack(m, entry->frame, &s.n) : NULL;
    if (!m)
        s.n = identities_node_at(t, entry->node)->depth;
    if (limit && s.n > limit) {
        s.left_out = s.n - limit;
        s.n = limit;
    }
    s.spots = mem_alloc(s.n * sizeof *s.spots);
    uint32_t node = entry->node;
    for (size_t i = 0; i < s.n; i++) {
        if (m) {
            s.spots[i] = spot_of_place(t, &m->places[refs[i].place]);
            s.spots[i].inlined = refs[i].inlined;
        } else {
            s.spots[i] = spot_of_frame(identities_innermost(t, node));
            node = identities_node_at(t, node)->parent;
        }
    }
    free(refs);
    return s;
}

void diff_stack_free(struct diff_stack *stack)
{
    free(stack->spots);
    *stack = (struct diff_stack){0};
}

void diff_put_spot(FILE *out, const struct diff_spot *spot, void (*put)(FILE *, const char *))
{
    if (spot->file && spot->line) {
        const struct place place = {
            .function = spot->function, .file = spot->file, .line = spot->line};
        cells_place(out, &place, put);
        return;
    }
    if (!spot->function) {
        fputc('[', out);
        put(out, spot->module ? pathname_base(spot->module) : "no module");
        fputc(']', out);
        return;
    }
    put(out, spot->function);
    if (spot->offset != IDENTITY_NO_LINE)
        fprintf(out, "+%" PRId32, spot->offset);
    fputs(" (", out);
    put(out, spot->module ? pathname_base(spot->module) : "no file");
    fputc(')', out);
}
