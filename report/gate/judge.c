/* SPDX-License-Identifier: MIT
 *
 * The checks that options ask for: leaks, peak, allocations.
 */
#include "cells.h"
#include "gate.h"
#include "memory.h"
#include "pool.h"

#include <math.h>
#include <stdlib.h>

/* Findings of one check, however many there are: as many as people read in an annotated change. */
#define TOLD 100

struct verdict_check *gate_add_check(struct gate *g, const char *rule, const char *name,
                                     bool failed, const char *message)
{
    struct verdict *v = &g->verdict;
    v->checks = mem_grow(v->checks, &g->check_capacity, v->nchecks + 1, sizeof *v->checks);
    struct verdict_check *c = &v->checks[v->nchecks++];
    *c = (struct verdict_check){
        .rule = rule, .name = name, .failed = failed, .message = message, .first = v->nfindings};
    v->nfailed += failed;
    return c;
}

void gate_note(struct gate *g, const char *text)
{
    struct verdict *v = &g->verdict;
    v->notes = mem_grow(v->notes, &g->note_capacity, v->nnotes + 1, sizeof *v->notes);
    v->notes[v->nnotes++] = text;
}

size_t gate_told(const struct gate *g, size_t n)
{
    size_t most = TOLD;
    if (g->options->has_limit)
        most = g->options->limit == 0 ? n : g->options->limit > most ? g->options->limit : most;
    return n < most ? n : most;
}

/* With estimates a difference must be beyond what chance makes; but that something was sampled at
 * all is certain. */
bool gate_exceeds(const struct gate *g, double value, double error, double limit)
{
    if (!g->sampled || limit <= 0)
        return value > limit;
    return value - GATE_ERRORS * error > limit;
}

const char *gate_size(const struct gate *g, double bytes)
{
    char size[UNITS_MAX];
    return pool_intern(g->verdict.strings, units_human(size, (uint64_t)(bytes + 0.5)));
}

const char *gate_count(const struct gate *g, double count)
{
    char digits[UNITS_MAX];
    return pool_intern(g->verdict.strings, cells_count(digits, (uint64_t)(count + 0.5)));
}

const char *gate_things(const struct gate *g, double count, const char *one, const char *several)
{
    return verdict_words(&g->verdict, "%s %s", gate_count(g, count),
                         (uint64_t)(count + 0.5) == 1 ? one : several);
}

const char *gate_amount(const struct gate *g, const struct figures *f)
{
    const struct verdict *v = &g->verdict;
    const char *thing = dump_thing(g->jobs[0]->dump), *plural = f->c.live_count == 1 ? "" : "s";
    if (f->c.live_count == 0)
        return g->sampled ? "nothing that was sampled" : "nothing";
    const char *size = gate_size(g, (double)f->c.live_bytes),
               *count = gate_count(g, (double)f->c.live_count);
    if (f->variance.live_bytes > 0)
        return verdict_words(v, "%s \u00b1%s in %s \u00b1%s %s%s", size,
                             gate_size(g, sqrt(f->variance.live_bytes)), count,
                             gate_count(g, sqrt(f->variance.live_count)), thing, plural);
    return verdict_words(v, "%s in %s %s%s", size, count, thing, plural);
}

/* One figure against one limit. */
struct measured {
    const char *rule;
    const char *what;    /* "1.50 KiB in 3 blocks leaked" */
    double value, error; /* as a whole */
    double limit;        /* for each iteration, if there are such */
    uint64_t blocks;     /* that there are at all: they may have no bytes */
    bool bytes;
    bool iterated;
};

/* The words for what is allowed, and by how much that was exceeded. */
static const char *explain(const struct gate *g, const struct measured *m, double limit,
                           bool failed)
{
    const struct verdict *v = &g->verdict;
    const char *(*words)(const struct gate *, double) = m->bytes ? gate_size : gate_count;
    const char *each =
        m->iterated && g->o->per_iteration
            ? verdict_words(v, " in each of %s",
                            gate_things(g, (double)g->o->per_iteration, "iteration", "iterations"))
            : "";
    if (failed && m->limit <= 0)
        return verdict_words(v, "%s, none allowed%s", m->what, each);
    if (failed)
        return verdict_words(v, "%s: %s more than the %s allowed%s", m->what,
                             words(g, m->value - limit), words(g, m->limit), each);
    if (m->value > limit)
        return verdict_words(v, "%s, %s allowed%s: more, but by less than %g standard errors",
                             m->what, words(g, m->limit), each, GATE_ERRORS);
    return verdict_words(v, "%s, %s allowed%s", m->what, words(g, m->limit), each);
}

static bool judge(struct gate *g, const struct measured *m)
{
    double times = m->iterated && g->o->per_iteration ? (double)g->o->per_iteration : 1;
    double limit = m->limit * times;
    bool failed = gate_exceeds(g, m->value, m->error, limit) || (limit <= 0 && m->blocks);
    gate_add_check(g, m->rule, m->rule, failed, explain(g, m, limit, failed));
    return failed;
}

static void judge_leaks(struct gate *g)
{
    const struct check_options *o = g->o;
    struct figures sum = {0};
    for (size_t i = 0; i < g->leaks->n; i++)
        figures_add(&sum, &g->leaks->entries[i].figures);
    struct measured m = {.rule = "max-leak",
                         .what = verdict_words(&g->verdict, "%s leaked", gate_amount(g, &sum)),
                         .value = (double)sum.c.live_bytes,
                         .error = sqrt(sum.variance.live_bytes),
                         .limit = (double)o->max_leak.most,
                         .blocks = sum.c.live_count,
                         .bytes = true,
                         .iterated = true};
    if (judge(g, &m))
        gate_blame_leaks(g, -1);
}

static void judge_each_leak(struct gate *g)
{
    const struct check_options *o = g->o;
    struct figures most = {0};
    double times = o->per_iteration ? (double)o->per_iteration : 1;
    double limit = (double)o->max_leak_per_stack.most * times;
    bool failed = false;
    for (size_t i = 0; i < g->leaks->n; i++) {
        const struct figures *f = &g->leaks->entries[i].figures;
        failed =
            failed || gate_exceeds(g, (double)f->c.live_bytes, sqrt(f->variance.live_bytes), limit);
        if (f->c.live_bytes > most.c.live_bytes)
            most = *f;
    }
    struct measured m = {
        .rule = "max-leak-per-stack",
        .what = verdict_words(&g->verdict, "%s leaked by one stack", gate_amount(g, &most)),
        .value = (double)most.c.live_bytes,
        .limit = (double)o->max_leak_per_stack.most,
        .bytes = true,
        .iterated = true};
    gate_add_check(g, m.rule, m.rule, failed, explain(g, &m, limit, failed));
    if (failed)
        gate_blame_leaks(g, limit);
}

/* Each process has a peak of its own, at a time of its own: the highest counts. */
static void judge_peak(struct gate *g)
{
    const struct dump_totals *most = &g->jobs[0]->dump->totals;
    for (size_t i = 1; i < g->njobs; i++)
        if (g->jobs[i]->dump->totals.c.peak_bytes > most->c.peak_bytes)
            most = &g->jobs[i]->dump->totals;
    double bound = (double)most->peak_error_bytes;
    struct measured m = {.rule = "max-peak",
                         .value = (double)most->c.peak_bytes - bound,
                         .error = (double)most->se.peak_bytes,
                         .limit = (double)g->o->max_peak.most,
                         .bytes = true};
    if (m.value < 0)
        m.value = 0;
    m.what = verdict_words(
        &g->verdict, "%s at the peak%s%s", gate_size(g, (double)most->c.peak_bytes),
        g->njobs > 1 ? " of one process" : "",
        bound > 0 ? verdict_words(&g->verdict, ", known to within %s", gate_size(g, bound)) : "");
    if (judge(g, &m))
        gate_blame_most(g, true);
}

static void judge_allocs(struct gate *g)
{
    const struct figures *total = &g->total;
    struct measured m = {
        .rule = "max-allocs",
        .what = gate_things(g, (double)total->c.alloc_count, "allocation", "allocations"),
        .value = (double)total->c.alloc_count,
        .error = sqrt(total->variance.alloc_count),
        .limit = (double)g->o->max_allocs.most,
        .iterated = true};
    if (judge(g, &m))
        gate_blame_most(g, false);
}

bool gate_judges_all_leaks(const struct check_options *o)
{
    return o->max_leak.given || (!o->max_leak_per_stack.given && !o->max_peak.given &&
                                 !o->max_allocs.given && !o->baseline && !o->limits.n);
}

void gate_judge(struct gate *g)
{
    const struct check_options *o = g->o;
    if (gate_judges_all_leaks(o))
        judge_leaks(g);
    if (o->max_leak_per_stack.given)
        judge_each_leak(g);
    if (o->max_peak.given)
        judge_peak(g);
    if (o->max_allocs.given)
        judge_allocs(g);
}
