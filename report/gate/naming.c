/* SPDX-License-Identifier: MIT
 *
 * Which frames have to have names. Most runs pass, and most of what a dump holds is not looked at
 * then: to read a program's debug information takes longer than many a test. So there are names for
 * what is judged, of the C library by its symbol tables alone, and for everything, with lines, once
 * a stack is to be shown.
 */
#include "gate.h"
#include "memory.h"
#include "runtime.h"
#include "symbolize.h"

#include <stdlib.h>
#include <string.h>

bool *gate_live_frames(const struct dump *d)
{
    bool *live = mem_zero(d->nframes, sizeof *live);
    for (size_t i = 0; i < d->nsites; i++)
        if (d->sites[i].c.live_count || d->sites[i].c.live_bytes)
            live[d->sites[i].frame] = true;
    return live;
}

/* Marks the callers of what is marked, too: callers come first. */
static void mark_callers(const struct dump *d, bool *frames)
{
    for (size_t f = d->nframes; f-- > 1;)
        if (frames[f])
            frames[d->frames[f].parent] = true;
}

static bool is_runtime(const struct dump *d, uint32_t frame)
{
    int32_t module = d->frames[frame].module;
    return module >= 0 && runtime_is_module(d->modules[module].path);
}

/* The inner ends of the stacks that end in LIVE frames, as far as run-time libraries go. */
static bool *runtime_ends(const struct dump *d, const bool *live)
{
    bool *ends = mem_zero(d->nframes, sizeof *ends);
    for (size_t i = 1; i < d->nframes; i++)
        for (uint32_t f = (uint32_t)i; live[i] && f && !ends[f] && is_runtime(d, f);
             f = d->frames[f].parent)
            ends[f] = true;
    return ends;
}

/* Blocks that are not freed, by frame. */
static uint64_t *count_blocks(const struct dump *d)
{
    uint64_t *blocks = mem_zero(d->nframes, sizeof *blocks);
    for (size_t i = 0; i < d->nsites; i++) {
        uint64_t *n = &blocks[d->sites[i].frame];
        *n = figures_sum(*n, d->sites[i].c.live_count);
    }
    return blocks;
}

void gate_name_leaks(const struct gate *g, struct job *job)
{
    const struct dump *d = job->dump;
    bool *live = gate_live_frames(d);
    /* Suppressions come before what the libraries keep, and are about every name on a stack. */
    if (!g->suppressions.n && !g->o->count_runtime) {
        bool *ends = runtime_ends(d, live);
        uint64_t *blocks = count_blocks(d);
        job_name(job, ends);
        for (size_t f = 0; f < d->nframes; f++)
            live[f] = live[f] && !runtime_name(job->model, (uint32_t)f, blocks[f]);
        free(blocks);
        free(ends);
    }
    mark_callers(d, live);
    job_name(job, live);
    free(live);
}

static void name_live(struct job *job)
{
    bool *live = gate_live_frames(job->dump);
    mark_callers(job->dump, live);
    job_name(job, live);
    free(live);
}

void gate_name(struct gate *g, enum gate_names names)
{
    if (names <= g->named)
        return;
    g->named = names;
    for (size_t i = 0; i < g->njobs; i++) {
        struct job *job = g->jobs[i];
        if (names == GATE_NAMES_SHOWN)
            symbolizer_names_only(job->symbols, NULL);
        if (names == GATE_NAMES_LIVE)
            name_live(job);
        else
            job_name(job, NULL);
    }
}

static bool keep_live(void *arg, const struct model *m, uint32_t frame)
{
    const bool *live = arg;
    (void)m;
    return live[frame];
}

struct stackset *gate_gather(struct gate *g, bool live)
{
    struct stackset *set = stackset_new(g->options->dumps[0], g->identities);
    gate_name(g, live ? GATE_NAMES_LIVE : GATE_NAMES_ALL);
    for (size_t i = 0; i < g->njobs; i++) {
        const struct model *m = g->jobs[i]->model;
        bool *frames = live ? gate_live_frames(m->dump) : NULL;
        stackset_add(set, m, live ? keep_live : NULL, frames);
        free(frames);
    }
    if (live)
        stackset_keep_live(set);
    stackset_sort(set);
    return set;
}
