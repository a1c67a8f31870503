/* SPDX-License-Identifier: MIT
 *
 * A gate must not pass because nothing was looked at: dumps that hold too little to be judged are
 * refused, and what makes the figures of others doubtful is noted.
 */
#include "die.h"
#include "format.h"
#include "gate.h"
#include "load.h"
#include "memory.h"

#include <inttypes.h>
#include <string.h>

/* A profile that saw less than this much of the heap says nothing about the rest of it. */
#define LEAST_COVERAGE 50.0

#define NO_EVENTS                                                                                  \
    "has no events: not one allocation or free was recorded, expected a profile of a program "     \
    "that allocates"

static bool is_empty(const struct dump *d)
{
    /* A program that maps nothing was seen all the same. */
    const struct dump_counters *c = d->of_mappings ? &d->mappings.totals.c : &d->totals.c;
    return c->alloc_count == 0 && c->free_count == 0 && c->failed_count == 0;
}

/* A forked child need not allocate, if its parent did: then the program was seen. */
static bool is_idle_child(const struct job *jobs, size_t n, const struct dump *d)
{
    for (size_t i = 0; d->process.parent_pid && i < n; i++) {
        const struct dump *other = jobs[i].dump;
        if (other->process.pid == d->process.parent_pid && !is_empty(other))
            return true;
    }
    return false;
}

static bool has_events(const struct job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_empty(jobs[i].dump))
            return true;
    return false;
}

/* Of a program with few allocations it may be that none was sampled, which is no blindness. */
static bool was_seen(const struct dump *d)
{
    return d->has_counted && (d->counted.alloc_count || d->counted.free_count);
}

/* Warnings of the library by which it did not see what the program did. */
static const struct dump_warning *find_blindness(const struct dump *d)
{
    static const char *const codes[] = {"not-interposed", "static-program", "no-allocations",
                                        "sandbox"};
    for (size_t i = 0; i < d->nwarnings; i++)
        for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
            if (strcmp(d->warnings[i].code, codes[k]) == 0)
                return &d->warnings[i];
    return NULL;
}

/* Why D, one of JOBS, cannot be judged; NULL: it can be. */
static const char *find_fault(const struct gate *g, const struct job *jobs, size_t n,
                              const struct dump *d)
{
    const struct dump_warning *blind = find_blindness(d);
    if (blind)
        return verdict_words(&g->verdict, "the profile is blind: %s", blind->text);
    if (d->has_coverage && d->coverage_percent < LEAST_COVERAGE)
        return verdict_words(&g->verdict,
                             "only %.3g %% of the heap was seen, expected at least %g %%",
                             d->coverage_percent, LEAST_COVERAGE);
    if (!d->complete)
        return "is incomplete, expected a dump of a recording that was not cut short";
    if (is_empty(d) && was_seen(d) && !has_events(jobs, n))
        return verdict_words(
            &g->verdict,
            "has no events: not one of %s was sampled, expected a smaller "
            "MEMPROF_SAMPLE",
            gate_things(g, (double)d->counted.alloc_count, "allocation", "allocations"));
    if (is_empty(d) && !was_seen(d) && !is_idle_child(jobs, n, d))
        return NO_EVENTS;
    for (size_t i = 0; i < d->nwarnings; i++)
        if (strcmp(d->warnings[i].code, LOAD_SUMS_DIFFER) == 0)
            return verdict_words(&g->verdict, "%s, expected figures that agree",
                                 d->warnings[i].text);
    return NULL;
}

/* What was recorded is not what the program left at its end. */
static void note_reason(struct gate *g, const struct dump *d)
{
    static const struct {
        const char *reason, *words;
    } reasons[] = {
        {"signal", "is a snapshot, taken on a signal: what is live in it may be freed later"},
        {"api", "is a snapshot, taken on request: what is live in it may be freed later"},
        {"interval", "is a snapshot, the last of a program that was killed: it tells no leaks"},
        {"fatal", "was written when a signal ended the program: it tells no leaks"},
        {"recovered", "was recovered from a program that was killed: it tells no leaks"},
        {"exec", "was written when the program executed another: it tells no leaks"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(d->reason, reasons[i].reason) == 0)
            gate_note(g, verdict_words(&g->verdict, "'%s' %s", d->path, reasons[i].words));
}

static void note_doubts(struct gate *g, const struct dump *d)
{
    char mean[UNITS_MAX];
    note_reason(g, d);
    g->dropped += d->totals.dropped_count;
    if (d->totals.dropped_count)
        gate_note(g, verdict_words(&g->verdict,
                                   "'%s': %" PRIu64 " events could not be recorded: nothing passes",
                                   d->path, d->totals.dropped_count));
    if (d->sample_mean_bytes) {
        g->sampled = true;
        gate_note(g, verdict_words(&g->verdict,
                                   "'%s' is sampled, every %s on average: a limit fails only when "
                                   "the estimate is beyond it by more than %g standard errors",
                                   d->path, units_human(mean, d->sample_mean_bytes), GATE_ERRORS));
    }
}

static int refuse(const struct gate *g, const struct job *jobs, size_t n)
{
    int result = 0;
    for (size_t i = 0; i < n; i++) {
        const char *fault = find_fault(g, jobs, n, jobs[i].dump);
        if (!fault)
            continue;
        complain("'%s': %s", jobs[i].dump->path, fault);
        result = -1;
    }
    return result;
}

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Whether B is of the same process as A, of the same program in it, and of a later time. A program
 * that executed another has written its last. */
static bool is_later(const struct dump *a, const struct dump *b)
{
    const struct dump_process *p = &a->process, *q = &b->process;
    return p->pid == q->pid && is_same(p->start_time, q->start_time) &&
           is_same(p->hostname, q->hostname) && is_same(p->exe, q->exe) &&
           strcmp(a->reason, "exec") != 0 && a->elapsed_ns < b->elapsed_ns &&
           a->sequence < b->sequence;
}

/* Whether they are copies of one dump. */
static bool is_copy(const struct dump *a, const struct dump *b)
{
    const struct dump_process *p = &a->process, *q = &b->process;
    return p->pid == q->pid && is_same(p->start_time, q->start_time) && p->start_time &&
           is_same(p->hostname, q->hostname) && is_same(p->exe, q->exe) &&
           is_same(a->reason, b->reason) && a->elapsed_ns == b->elapsed_ns &&
           a->sequence == b->sequence;
}

void gate_choose_dumps(struct gate *g)
{
    g->jobs = mem_alloc(g->nopened * sizeof(*g->jobs));
    for (size_t i = 0; i < g->nopened; i++) {
        const struct dump *d = g->opened[i].dump, *other = NULL;
        for (size_t k = 0; !other && k < g->nopened; k++)
            if (is_later(d, g->opened[k].dump) || (k < i && is_copy(d, g->opened[k].dump)))
                other = g->opened[k].dump;
        if (other)
            gate_note(g,
                      verdict_words(&g->verdict, "'%s' is not judged: '%s' is of the same process",
                                    d->path, other->path));
        else
            g->jobs[g->njobs++] = &g->opened[i];
    }
}

int gate_refuse(struct gate *g)
{
    for (size_t i = 0; i < g->njobs; i++)
        note_doubts(g, g->jobs[i]->dump);
    if (g->options->mmap)
        gate_note(g, "what was mapped is judged, not what was allocated (--mmap)");
    return refuse(g, g->opened, g->nopened);
}

int gate_refuse_side(const struct gate *g, const struct side *side)
{
    const char *wrong = NULL;
    if (side->njobs && refuse(g, side->jobs, side->njobs))
        return -1;
    if (!side->njobs && !side->stacks->total.c.alloc_count && !side->stacks->of_mappings)
        wrong = NO_EVENTS;
    else if (g->classified && g->o->kinds && !g->o->update_baseline &&
             !stackset_has_kinds(side->stacks))
        wrong = "tells no kinds of leaks, expected a baseline of dumps that do (--update-baseline)";
    if (!wrong)
        return 0;
    complain("'%s': %s", g->o->baseline, wrong);
    return -1;
}

/* Whether A was there before B. A parent was, and so was the first that is named if nothing tells.
 */
static bool started_before(const struct dump_process *a, const struct dump_process *b)
{
    if (!a->start_time || !b->start_time)
        return false;
    int order = strcmp(a->start_time, b->start_time);
    return order < 0 || (order == 0 && !a->parent_pid && b->parent_pid);
}

void gate_name_program(struct gate *g)
{
    const struct dump_process *p = &g->jobs[0]->dump->process;
    for (size_t i = 1; i < g->njobs; i++)
        if (started_before(&g->jobs[i]->dump->process, p))
            p = &g->jobs[i]->dump->process;
    struct verdict *v = &g->verdict;
    const char *start = p->start_time ? p->start_time : "";
    v->program = format_base_name(p->exe);
    v->host = p->hostname;
    v->ndumps = g->njobs;
    /* Without fractions of seconds and the time zone, which is UTC. */
    bool sound = strlen(start) >= 19 && strspn(start, "0123456789-T:") >= 19;
    v->timestamp = sound ? verdict_words(v, "%.19s", start) : "1970-01-01T00:00:00";
}
