/* SPDX-License-Identifier: MIT
 *
 * Limits of files, functions and lines. Leaks are those that are judged; all other figures are of
 * all allocations.
 */
#include "gate.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

/* Whether L is about a place, which is told by names. */
static bool has_place(const struct limit *l)
{
    return l->file || l->function || l->at;
}

#define NAMED 5 /* limits in one note */

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
    bool whole = !has_place(l);
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

/* "300 B not freed", "1 allocation". */
static const char *meaning_words(const struct gate *g, const struct limit *l, double figure)
{
    const struct limit_kind *k = l->kind;
    if (!k->bytes)
        return gate_things(g, figure, k->one, k->meaning);
    return verdict_words(&g->verdict, "%s %s", gate_size(g, figure), k->meaning);
}

static const char *explain(const struct gate *g, const struct limit *l, const struct found *f,
                           bool failed)
{
    const struct verdict *v = &g->verdict;
    double most = (double)l->most;
    const char *value = meaning_words(g, l, f->value), *allowed = figure_words(g, l, most);
    if (failed)
        return verdict_words(v, "%s: %s more than the %s allowed (%s, line %zu)", value,
                             figure_words(g, l, f->value - most), allowed, l->origin, l->line);
    if (!f->any)
        return verdict_words(v, "nothing was allocated there, %s allowed (%s, line %zu)", allowed,
                             l->origin, l->line);
    return verdict_words(v, "%s, %s allowed%s", value, allowed,
                         f->value > most ? ": more, but by less than 3 standard errors" : "");
}

/* Whether anything was allocated at the place of L. To know that of leaks, all names are looked up:
 * only where nothing leaks there, which may be for a name that is written wrongly. */
static bool is_reached(struct gate *g, const struct limit *l)
{
    bool any = false;
    if (has_place(l))
        gate_name(g, GATE_NAMES_ALL);
    for (size_t i = 0; i < g->njobs && !any; i++) {
        const struct model *m = g->jobs[i]->model;
        bool *frames = find_frames(m, l);
        for (size_t s = 0; s < m->dump->nsites && !any; s++)
            any = frames[m->dump->sites[s].frame];
        free(frames);
    }
    return any;
}

/* Returns whether anything was allocated there. */
static bool judge_limit(struct gate *g, const struct limit *l)
{
    struct found found = {0};
    if (!l->kind->leak && has_place(l))
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
    found.any = found.any || is_reached(g, l);
    bool failed = gate_exceeds(g, found.value, sqrt(found.variance), (double)l->most);
    const char *name = verdict_words(&g->verdict, "limit %s %s", l->subject, l->kind->name);
    gate_add_check(g, "limit", name, failed, explain(g, l, &found, failed));
    if (!failed || !found.most.model)
        return found.any;
    if (!l->kind->leak)
        identify(g, &found.most);
    gate_blame(g, &(struct gate_blame){
                      .entry = &found.most,
                      .message = verdict_words(&g->verdict, "%s of the %s here",
                                               figure_words(g, l, (double)found.most_figure),
                                               meaning_words(g, l, found.value)),
                      .bytes = l->kind->bytes ? found.most_figure : 0,
                      .blocks = l->kind->bytes ? 0 : found.most_figure,
                      .leak = l->kind->leak,
                      .at = has_place(l) ? is_at : NULL,
                      .at_arg = l});
    return true;
}

/* What is limited where nothing was allocated, as far as there is room for it. */
static void note_unreached(struct gate *g, const struct limit *const *list, size_t n)
{
    const char *names = "";
    for (size_t i = 0; i < n && i < NAMED; i++)
        names = verdict_words(&g->verdict, "%s%s'%s' (%s, line %zu)", names, i ? ", " : "",
                              list[i]->subject, list[i]->origin, list[i]->line);
    if (n)
        gate_note(g, verdict_words(&g->verdict,
                                   "%zu limit%s of places where nothing was allocated, or whose "
                                   "names are written wrongly: %s%s",
                                   n, n == 1 ? " is" : "s are", names, n > NAMED ? ", .." : ""));
}

void gate_judge_limits(struct gate *g)
{
    const struct limit **unreached = mem_alloc(g->limits.n * sizeof *unreached);
    size_t n = 0;
    for (size_t i = 0; i < g->limits.n; i++)
        if (!judge_limit(g, &g->limits.list[i]))
            unreached[n++] = &g->limits.list[i];
    note_unreached(g, unreached, n);
    free(unreached);
}
