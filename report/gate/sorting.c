/* SPDX-License-Identifier: MIT
 *
 * Which of the live blocks are leaks that somebody must answer for.
 */
#include "die.h"
#include "gate.h"
#include "leaks.h"
#include "matching.h"
#include "memory.h"
#include "runtime.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Going through one dump. */
struct sorting {
    struct gate *g;
    const struct model *m;
    struct matching active, expired, listing;
    const uint32_t *nodes;            /* identities by frame */
    const char **function;            /* by frame: what allocated the blocks there */
    struct dump_leak_record *records; /* in the order of their frames */
    unsigned kinds;
};

static void count(struct verdict_group *group, const struct figures *f)
{
    group->stacks++;
    group->blocks = figures_sum(group->blocks, f->c.live_count);
    group->bytes = figures_sum(group->bytes, f->c.live_bytes);
}

static void count_suppressed(struct suppression *s, const struct figures *f)
{
    s->stacks++;
    s->blocks = figures_sum(s->blocks, f->c.live_count);
    s->bytes = figures_sum(s->bytes, f->c.live_bytes);
}

static void count_runtime(struct gate *g, const char *name, const struct figures *f)
{
    struct verdict *v = &g->verdict;
    size_t i = 0;
    while (i < v->nruntime && strcmp(v->runtime[i].name, name) != 0)
        i++;
    if (i == v->nruntime) {
        v->runtime = mem_grow(v->runtime, &g->runtime_capacity, i + 1, sizeof *v->runtime);
        v->runtime[v->nruntime++] = (struct verdict_group){.name = name};
    }
    count(&v->runtime[i], f);
}

/* Puts F, leaks of the stack that ends in FRAME, to those that are judged. */
static void put_leak(struct sorting *s, uint32_t frame, const struct figures *f)
{
    struct stackset *leaks = s->g->leaks;
    uint32_t node = s->nodes[frame];
    stackset_put(leaks, node, f);
    struct stackset_entry *e = &leaks->entries[leaks->entry_of[node] - 1];
    if (!e->model || f->c.live_bytes > e->held) {
        e->model = s->m;
        e->frame = frame;
        e->held = f->c.live_bytes;
    }
}

/* Live blocks F of the stack that ends in FRAME: suppressed, the run-time's, or a leak. */
static void sort_stack(struct sorting *s, uint32_t frame, const struct figures *f)
{
    struct gate *g = s->g;
    struct verdict *v = &g->verdict;
    struct suppression *list = g->suppressions.list;
    uint32_t found = matching_find(&s->active, frame, s->function[frame]);
    if (found != MATCHING_NONE) {
        count_suppressed(&list[found], f);
        return;
    }
    if (g->suppressions.has_only) {
        found = matching_find(&s->listing, frame, NULL);
        if (found == MATCHING_NONE) {
            count(&v->groups[VERDICT_UNLISTED], f);
            return;
        }
        count_suppressed(&list[found], f);
    }
    found = matching_find(&s->expired, frame, s->function[frame]);
    if (found != MATCHING_NONE)
        count_suppressed(&list[found], f);
    const char *runtime = runtime_name(s->m, frame, f->c.live_count);
    if (runtime)
        count_runtime(g, runtime, f);
    if (!runtime || g->o->count_runtime)
        put_leak(s, frame, f);
}

static int by_frame(const void *a, const void *b)
{
    const struct dump_leak_record *x = a, *y = b;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1)
                                : (x->kind > y->kind) - (x->kind < y->kind);
}

/* Of F, all live blocks of the stack that ends in FRAME, those of the kinds that are judged; the
 * rest is counted. */
static struct figures of_kinds(struct sorting *s, uint32_t frame, const struct figures *f)
{
    const struct dump_leaks *leaks = &s->m->dump->leaks;
    struct figures judged = {.variance = f->variance}, rest = {0};
    struct dump_leak_record key = {.frame = frame};
    size_t low = 0, high = leaks->nrecords;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_frame(&s->records[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < leaks->nrecords && s->records[low].frame == frame; low++) {
        const struct dump_leak_record *r = &s->records[low];
        struct figures part = {.c = {.live_bytes = r->bytes, .live_count = r->count}};
        figures_add(s->kinds & (1u << r->kind) ? &judged : &rest, &part);
    }
    if (rest.c.live_count)
        count(&s->g->verdict.groups[VERDICT_KINDS], &rest);
    return judged;
}

static void sort_record(struct sorting *s, const struct leak_record *r)
{
    struct figures live = {
        .c = {.live_bytes = r->figures.c.live_bytes, .live_count = r->figures.c.live_count},
        .variance = {.live_bytes = r->figures.variance.live_bytes,
                     .live_count = r->figures.variance.live_count}};
    if (s->g->classified)
        live = of_kinds(s, r->frame, &live);
    if (live.c.live_count)
        sort_stack(s, r->frame, &live);
}

/* What allocated the live blocks of each stack, and which frames these end in. */
static void look_at_sites(const struct dump *d, const char **function, bool *wanted)
{
    for (size_t i = 0; i < d->nsites; i++) {
        const struct dump_site *site = &d->sites[i];
        if (site->c.live_count == 0)
            continue;
        wanted[site->frame] = true;
        if (!function[site->frame])
            function[site->frame] = site->function;
    }
}

static void sort_dump(struct gate *g, struct job *job, unsigned kinds)
{
    const struct model *m = job->model;
    const struct dump *d = m->dump;
    bool *wanted = mem_zero(d->nframes, sizeof *wanted);
    const char **function = mem_zero(d->nframes, sizeof *function);
    struct leaks_options options = {.sort = columns_find("increment")};
    gate_name_leaks(g, job);
    struct leaks leaks = leaks_new(m, &options);
    look_at_sites(d, function, wanted);
    uint32_t *nodes = identities_of_model(g->identities, m, wanted);
    struct sorting s = {.g = g,
                        .m = m,
                        .active = matching_new(m, &g->suppressions, MATCHING_ACTIVE),
                        .expired = matching_new(m, &g->suppressions, MATCHING_EXPIRED),
                        .listing = matching_new(m, &g->suppressions, MATCHING_ONLY),
                        .nodes = nodes,
                        .function = function,
                        .records = mem_alloc(d->leaks.nrecords * sizeof *s.records),
                        .kinds = kinds};
    if (d->leaks.nrecords) {
        memcpy(s.records, d->leaks.records, d->leaks.nrecords * sizeof *s.records);
        qsort(s.records, d->leaks.nrecords, sizeof *s.records, by_frame);
    }
    for (size_t i = 0; i < leaks.n; i++)
        sort_record(&s, &leaks.records[i]);
    matching_free(&s.active);
    matching_free(&s.expired);
    matching_free(&s.listing);
    free(s.records);
    free(nodes);
    free(function);
    free(wanted);
    leaks_free(&leaks);
}

unsigned gate_judged_kinds(const struct gate *g)
{
    static const struct {
        unsigned option;
        enum dump_leak_kind kind;
    } kinds[] = {{KIND_DEFINITE, DUMP_LEAK_definite},
                 {KIND_INDIRECT, DUMP_LEAK_indirect},
                 {KIND_POSSIBLE, DUMP_LEAK_possible},
                 {KIND_REACHABLE, DUMP_LEAK_reachable}};
    unsigned wanted = g->o->kinds ? g->o->kinds : KINDS_USUAL, chosen = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (wanted & kinds[i].option)
            chosen |= 1u << kinds[i].kind;
    return chosen;
}

/* Whether the records of D are all that its sums say. */
static bool adds_up(const struct dump *d)
{
    uint64_t bytes = 0, count = 0, all_bytes = 0, all_count = 0;
    for (size_t i = 0; i < d->leaks.nrecords; i++) {
        bytes = figures_sum(bytes, d->leaks.records[i].bytes);
        count = figures_sum(count, d->leaks.records[i].count);
    }
#define X(name)                                                                                    \
    all_bytes = figures_sum(all_bytes, d->leaks.name##_bytes);                                     \
    all_count = figures_sum(all_count, d->leaks.name##_count);
    DUMP_LEAK_KINDS(X)
#undef X
    return bytes == all_bytes && count == all_count;
}

/* Whether some check is about leaks. */
static bool is_about_leaks(const struct gate *g)
{
    const struct check_options *o = g->o;
    bool leaks = gate_judges_all_leaks(o) || o->max_leak_per_stack.given ||
                 (o->baseline && !o->update_baseline);
    for (size_t i = 0; i < g->limits.n; i++)
        leaks = leaks || g->limits.list[i].kind->leak;
    return leaks;
}

/* Nor because no program came to its end. */
static int check_reasons(const struct gate *g)
{
    const struct dump *d = g->jobs[0]->dump;
    bool told = false;
    for (size_t i = 0; i < g->njobs; i++)
        told = told || leaks_are_told(g->jobs[i]->dump);
    if (told || !is_about_leaks(g))
        return 0;
    complain("'%s': tells no leaks, since the program did not come to its end (\"%s\"), expected a "
             "dump that was written at exit",
             d->path, d->reason);
    return -1;
}

/* Nothing may pass because nobody looked whether blocks can be reached. */
static int check_kinds(struct gate *g)
{
    size_t classified = 0, total = 0;
    int result = 0;
    for (size_t i = 0; i < g->njobs; i++) {
        const struct dump *d = g->jobs[i]->dump;
        if (!leaks_are_told(d))
            continue;
        total++;
        classified += d->leaks.classified;
        if (d->leaks.classified && !adds_up(d)) {
            complain("'%s': leaks.records do not add up to leaks.kinds, expected one for each "
                     "stack and kind",
                     d->path);
            result = -1;
        } else if (!d->leaks.classified && g->o->kinds && !(g->o->kinds & KIND_LIVE)) {
            complain("'%s': does not tell kinds of leaks, expected a dump recorded with "
                     "MEMPROF_LEAK_CHECK=reachable, or --errors-for-leak-kinds=live",
                     d->path);
            result = -1;
        }
    }
    g->classified = classified > 0 && classified == total;
    if (result == 0 && classified && !g->classified) {
        complain("'%s': some dumps tell kinds of leaks and others do not, expected the same of all",
                 g->jobs[0]->dump->path);
        result = -1;
    }
    return result;
}

/* What happens once, or less than once in each iteration, is no leak that grows with them. */
static void drop_single(struct gate *g)
{
    struct stackset *s = g->leaks;
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct stackset_entry *e = &s->entries[i];
        s->entry_of[e->node] = 0;
        if (e->figures.c.live_count < g->o->per_iteration)
            count(&g->verdict.groups[VERDICT_ONCE], &e->figures);
        else
            s->entries[kept++] = *e;
    }
    s->n = kept;
}

int gate_find_leaks(struct gate *g)
{
    g->leaks = stackset_new("leaks", g->identities);
    if (check_reasons(g) || check_kinds(g))
        return -1;
    g->verdict.groups[VERDICT_UNLISTED].name = "outside the allow-list";
    g->verdict.groups[VERDICT_KINDS].name = "of leak kinds that are not judged";
    g->verdict.groups[VERDICT_ONCE].name = "fewer blocks than iterations";
    for (size_t i = 0; i < g->njobs; i++)
        if (leaks_are_told(g->jobs[i]->dump))
            sort_dump(g, g->jobs[i], gate_judged_kinds(g));
    drop_single(g);
    stackset_sort(g->leaks);
    return 0;
}
