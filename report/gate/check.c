/* SPDX-License-Identifier: MIT */
#include "check.h"
#include "baseline.h"
#include "die.h"
#include "gate.h"
#include "memory.h"
#include "pool.h"
#include "repeated.h"
#include "symbolize.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_FINDINGS 5
#define SHOWN_FRAMES 10
#define STATUS_FAILED 1

/* Reads the files that options name, before anything slow is done. */
static void read_files(struct gate *g)
{
    const struct check_options *o = g->o;
    struct error error = {""};
    char today[SUPPRESSIONS_DAY];
    suppressions_today(today);
    for (size_t i = 0; i < o->suppressions.n; i++)
        if (suppressions_read(&g->suppressions, o->suppressions.list[i], today, &error))
            die("'%s': %s", o->suppressions.list[i], error.text);
    for (size_t i = 0; i < o->limits.n; i++)
        if (limits_read(&g->limits, o->limits.list[i], &error))
            die("'%s': %s", o->limits.list[i], error.text);
}

/* What the programs themselves want suppressed. Processes of one program say the same. */
static int read_embedded(struct gate *g)
{
    struct error error = {""};
    char today[SUPPRESSIONS_DAY];
    size_t before = g->suppressions.n;
    suppressions_today(today);
    for (size_t i = 0; i < g->njobs; i++) {
        const struct dump *d = g->jobs[i]->dump;
        bool known = !d->lsan_suppressions;
        for (size_t k = 0; !known && k < i; k++)
            known = g->jobs[k]->dump->lsan_suppressions &&
                    strcmp(g->jobs[k]->dump->lsan_suppressions, d->lsan_suppressions) == 0;
        if (known)
            continue;
        char *text = mem_strdup(d->lsan_suppressions);
        int result = suppressions_parse(&g->suppressions, d->path, text, today, &error);
        free(text);
        if (result) {
            complain("'%s': lsan_suppressions: %s", d->path, error.text);
            return -1;
        }
    }
    for (size_t i = before; i < g->suppressions.n; i++)
        g->suppressions.list[i].embedded = true;
    return 0;
}

static int open_jobs(struct gate *g)
{
    int result = 0;
    g->opened = mem_zero(g->options->ndumps, sizeof *g->opened);
    for (size_t i = 0; i < g->options->ndumps; i++) {
        struct job *job = &g->opened[g->nopened];
        if (job_open_unnamed(job, g->options, g->options->dumps[i], NULL)) {
            result = -1;
            continue;
        }
        symbolizer_names_only(job->symbols, identity_is_c_library);
        g->nopened++;
    }
    gate_choose_dumps(g);
    return result;
}

/* The directory that files are told below: the checkout that a CI server names, if the project is
 * in it, for that is what annotations refer to; else the project's, else where we are. */
static const char *find_root(struct gate *g)
{
    static const char *const variables[] = {"GITHUB_WORKSPACE", "CI_PROJECT_DIR"};
    const char *asked = g->options->project_root;
    char path[PATH_MAX];
    const char *project = asked && *asked ? realpath(asked, path) : NULL;
    if (asked && *asked && !project)
        project = asked;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *root = getenv(variables[i]);
        if (root && *root == '/' &&
            (!project || strcmp(project, root) == 0 || model_is_below(project, root)))
            return pool_intern(g->verdict.strings, root);
    }
    if (!project)
        project = getcwd(path, sizeof path);
    return project ? pool_intern(g->verdict.strings, project) : NULL;
}

static void judge_unused(struct gate *g)
{
    const struct verdict *v = &g->verdict;
    const char *names = "";
    size_t n = 0;
    for (size_t i = 0; i < g->suppressions.n; i++) {
        const struct suppression *s = &g->suppressions.list[i];
        if (s->embedded || s->stacks)
            continue;
        if (n++ < SHOWN_FINDINGS)
            names =
                verdict_words(v, "%s%s%s", names, *names ? ", " : "", verdict_suppression(v, s));
    }
    gate_add_check(g, "unused-suppressions", "unused-suppressions", n > 0,
                   n ? verdict_words(v, "%zu matched nothing: %s%s", n, names,
                                     n > SHOWN_FINDINGS ? ", .." : "")
                     : "each of them matched something");
}

/* Only a baseline may be written anew. Returns 0, or -1 after a line on standard error. */
static int may_update(const struct gate *g, bool is_dump)
{
    if (!g->o->update_baseline || !is_dump)
        return 0;
    complain("'%s': is a dump, expected a baseline to write anew", g->o->baseline);
    return -1;
}

/* Judges against the baseline, or replaces it. Returns 0, or -1 after a line on standard error. */
static int use_baseline(struct gate *g)
{
    char *path = mem_strdup(g->o->baseline);
    struct side old;
    bool missing = g->o->update_baseline && access(path, F_OK) != 0;
    int result = missing ? 0 : side_open(&old, g->options, &path, 1, g->identities, NULL, NULL);
    if (result == 0 && !missing) {
        result = gate_refuse_side(g, &old);
        for (size_t i = 0; result == 0 && i < old.njobs; i++)
            job_warn(&old.jobs[i]);
        if (result == 0)
            result = may_update(g, old.njobs > 0);
        if (result == 0 && !g->o->update_baseline)
            gate_judge_baseline(g, old.stacks);
        side_close(&old);
    }
    free(path);
    return result;
}

static void update_baseline(struct gate *g)
{
    struct error error = {""};
    struct stackset *live = gate_gather(g, true);
    if (baseline_save(live, g->o->baseline, &error))
        die("'%s': %s", g->o->baseline, error.text);
    gate_add_check(g, "baseline", "baseline", false,
                   verdict_words(&g->verdict, "'%s' was written anew: %zu stack%s", g->o->baseline,
                                 live->n, live->n == 1 ? "" : "s"));
    stackset_free(live);
}

/* Finds what is to be judged. Returns 0, or -1 after a line on standard error. */
static int look(struct gate *g)
{
    read_files(g);
    if (open_jobs(g) || gate_refuse(g) || read_embedded(g))
        return -1;
    for (size_t i = 0; i < g->nopened; i++)
        job_warn(&g->opened[i]);
    gate_name_program(g);
    for (size_t i = 0; i < g->njobs; i++) {
        struct figures whole = figures_of_dump(g->jobs[i]->dump);
        figures_add(&g->total, &whole);
    }
    return gate_find_leaks(g);
}

/* Whether there is a verdict; otherwise a line on standard error has said why not. */
static int judge(struct gate *g)
{
    gate_judge(g);
    if (g->o->baseline && use_baseline(g))
        return -1;
    gate_judge_limits(g);
    if (g->o->fail_on_unused)
        judge_unused(g);
    if (g->dropped == 0 || g->verdict.nfailed)
        return 0;
    complain("'%s': %" PRIu64 " events could not be recorded, and what was passes: expected a "
             "recording without losses",
             g->jobs[0]->dump->path, g->dropped);
    return -1;
}

static void set_up(struct gate *g, const struct options *options, const struct out *out,
                   struct identities *identities)
{
    *g = (struct gate){.options = options,
                       .o = &options->check,
                       .suppressions = suppressions_new(),
                       .limits = limits_new(),
                       .identities = identities};
    g->verdict =
        (struct verdict){.strings = pool_new(),
                         .suppressions = &g->suppressions,
                         .runtime_counted = options->check.count_runtime,
                         .shown_findings = options->has_limit ? options->limit : SHOWN_FINDINGS,
                         .shown_frames = options->has_frames ? options->frames : SHOWN_FRAMES,
                         .one_screen = !options->has_limit,
                         .whole_stacks = options->has_frames,
                         .color = out->color};
    g->verdict.root = find_root(g);
}

static void tear_down(struct gate *g)
{
    stackset_free(g->leaks);
    compared_free(&g->compared);
    for (size_t i = 0; i < g->nopened; i++)
        job_close(&g->opened[i]);
    free(g->opened);
    free(g->jobs);
    suppressions_free(&g->suppressions);
    limits_free(&g->limits);
    free(g->verdict.checks);
    free(g->verdict.findings);
    free(g->verdict.runtime);
    free(g->verdict.notes);
    pool_free(g->verdict.strings);
}

/* Judges each of N runs, and together. Returns the exit status. */
static int judge_runs(struct gate *runs, size_t n, struct out *out)
{
    struct gate *last = &runs[n - 1];
    for (size_t i = 0; i < n; i++)
        if (look(&runs[i]))
            return EXIT_UNUSABLE;
    if (n > 1)
        repeated_keep_common(runs, n);
    for (size_t i = 0; i < n; i++)
        if (judge(&runs[i]))
            return EXIT_UNUSABLE;
    repeated_merge(runs, n);
    if (last->o->update_baseline)
        update_baseline(last);
    gate_count_proposals(&last->verdict);
    gate_write(last, out);
    return last->verdict.nfailed ? STATUS_FAILED : 0;
}

/* Looks at the files that options name, and at nothing else. Returns the exit status. */
static int look_at_files(struct gate *g)
{
    struct job old = {.dump = NULL};
    read_files(g);
    if (!g->o->baseline || (g->o->update_baseline && access(g->o->baseline, F_OK)))
        return 0;
    struct stackset *stacks = stackset_new(g->o->baseline, g->identities);
    int status = job_open_unnamed(&old, g->options, g->o->baseline, stacks) ? EXIT_UNUSABLE : 0;
    if (status == 0 && old.dump) {
        status = may_update(g, true) ? EXIT_UNUSABLE : 0;
        job_close(&old);
    }
    stackset_free(stacks);
    return status;
}

int check_run(const struct options *options, struct out *out)
{
    struct error error = {""};
    struct identities *identities = identities_new();
    size_t n;
    if (check_options_agree(&options->check, &error))
        die("%s", error.text);
    struct options *runs = repeated_runs(options, &n);
    struct gate *gates = mem_zero(n, sizeof *gates);
    for (size_t i = 0; i < n; i++)
        set_up(&gates[i], &runs[i], out, identities);
    gate_check_outputs(options);
    int status = options->check.dry_run ? look_at_files(gates) : judge_runs(gates, n, out);
    for (size_t i = 0; i < n; i++)
        tear_down(&gates[i]);
    free(gates);
    repeated_free(runs, n);
    identities_free(identities);
    return status;
}
