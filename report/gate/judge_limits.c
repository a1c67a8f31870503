/* SPDX-License-Identifier: MIT
 *
 * Limits of files, functions and lines. Leaks are those that are judged; all other figures are of
 * all allocations.
 */
#include "gate.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

static bool is_at(const struct place *p, const void *arg)
{
    const struct limit *l = arg;
    if (l->at && p->line != l->at)
        return false;
    return model_place_matches(p, l->file, l->function);
}

/* The frames of M at or below a place of L: an array to be freed. */
static bool *find_frames(const struct model *m, const struct limit *l)
{
    bool whole = !l->file && !l->function && !l->at;
    size_t n = m->dump->nframes;
    bool *codes = mem_zero(m->codes.n, sizeof *codes), *frames = mem_zero(n, sizeof *frames);
    for (size_t c = 0; c < m->codes.n; c++) {
        codes[c] = whole;
        for (uint32_t i = m->first_ref[c]; !codes[c] && i < m->first_ref[c + 1]; i++)
            codes[c] = is_at(&m->places[m->refs[i].place], l);
    }
    for (size_t f = 0; f < n; f++) {
        uint32_t parent = m->dump->frames[f].parent;
        frames[f] = (parent && frames[parent]) || codes[m->codes.of[f]];
    }
    free(codes);
    return frames;
}

/* What a limit is about, added up over all dumps, and the stack that has most of it. */
struct found {
    double value, variance;
    bool any; /* allocation at all */
    struct stackset_entry most;
    uint64_t most_figure;
};

/* The variance of the figure that is limited; 0: none is told. */
static double variance_of(const struct limit_kind *kind, const struct figures *f)
{
    static const struct {
        size_t counter, variance;
    } known[] = {
#define X(name) {offsetof(struct dump_counters, name), offsetof(struct figures, variance.name)},
        DUMP_ERRORS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].counter == kind->offset)
            return *(const double *)(const void *)((const char *)f + known[i].variance);
    return 0;
}

static void add(struct found *found, const struct limit *l, const struct stackset_entry *e)
{
    uint64_t figure = limit_figure(l->kind, &e->figures.c);
    found->any = true;
    found->value += (double)figure;
    found->variance += variance_of(l->kind, &e->figures);
    if (figure > found->most_figure) {
        found->most_figure = figure;
        found->most = *e;
    }
}

static void add_sites(struct found *found, const struct limit *l, const struct model *m,
                      const bool *frames)
{
    const struct dump *d = m->dump;
    for (size_t i = 0; i < d->nsites; i++) {
        struct stackset_entry e = {.model = m, .frame = d->sites[i].frame};
        if (!frames[e.frame])
            continue;
        figures_add_site(&e.figures, d, i, false);
        add(found, l, &e);
    }
}

/* Finds out the identity of the stack that has most. */
static void identify(struct gate *g, struct stackset_entry *most)
{
    gate_name(g, GATE_NAMES_ALL);
    bool *wanted = mem_zero(most->model->dump->nframes, sizeof *wanted);
    wanted[most->frame] = true;
    uint32_t *nodes = identities_of_model(g->identities, most->model, wanted);
    most->node = nodes[most->frame];
    free(nodes);
    free(wanted);
}

/* Whether which allocations L is about is told by names. */
static bool needs_names(const struct limit *l)
{
    return !l->kind->leak && (l->file || l->function || l->at);
}

/* An entry of the judged leaks stands for stacks that are the same but for addresses. */
static void add_leaks(const struct gate *g, struct found *found, const struct limit *l,
                      const struct model *m, const bool *frames)
{
    for (size_t i = 0; i < g->leaks->n; i++) {
        const struct stackset_entry *e = &g->leaks->entries[i];
        if (e->model == m && frames[e->frame])
            add(found, l, e);
    }
}

static const char *figure_words(const struct gate *g, const struct limit *l, double figure)
{
    return l->kind->bytes ? gate_size(g, figure) : gate_count(g, figure);
}

static const char *explain(const struct gate *g, const struct limit *l, const struct found *f,
                           bool failed)
{
    const struct verdict *v = &g->verdict;
    double most = (double)l->most;
    const char *value = figure_words(g, l, f->value), *allowed = figure_words(g, l, most);
    if (failed)
        return verdict_words(v, "%s %s: %s more than the %s allowed (%s, line %zu)", value,
                             l->kind->meaning, figure_words(g, l, f->value - most), allowed,
                             l->origin, l->line);
    if (!f->any && !l->kind->leak)
        return verdict_words(v, "nothing was allocated there, %s allowed (%s, line %zu)", allowed,
                             l->origin, l->line);
    return verdict_words(v, "%s %s, %s allowed%s", value, l->kind->meaning, allowed,
                         f->value > most ? ": more, but by less than 3 standard errors" : "");
}

static void judge_limit(struct gate *g, const struct limit *l)
{
    struct found found = {0};
    if (needs_names(l))
        gate_name(g, GATE_NAMES_ALL);
    for (size_t i = 0; i < g->njobs; i++) {
        const struct model *m = g->jobs[i]->model;
        bool *frames = find_frames(m, l);
        if (l->kind->leak)
            add_leaks(g, &found, l, m, frames);
        else
            add_sites(&found, l, m, frames);
        free(frames);
    }
    bool failed = gate_exceeds(g, found.value, sqrt(found.variance), (double)l->most);
    const char *name = verdict_words(&g->verdict, "limit %s %s", l->subject, l->kind->name);
    gate_add_check(g, "limit", name, failed, explain(g, l, &found, failed));
    if (!failed || !found.most.model)
        return;
    if (!l->kind->leak)
        identify(g, &found.most);
    gate_blame(g, &(struct gate_blame){
                      .entry = &found.most,
                      .message = verdict_words(&g->verdict, "%s of the %s %s here",
                                               figure_words(g, l, (double)found.most_figure),
                                               figure_words(g, l, found.value), l->kind->meaning),
                      .bytes = l->kind->bytes ? found.most_figure : 0,
                      .blocks = l->kind->bytes ? 0 : found.most_figure,
                      .leak = l->kind->leak,
                      .at = l->file || l->function || l->at ? is_at : NULL,
                      .at_arg = l});
}

void gate_judge_limits(struct gate *g)
{
    for (size_t i = 0; i < g->limits.n; i++)
        judge_limit(g, &g->limits.list[i]);
}
