/* SPDX-License-Identifier: MIT */
#include "verbs.h"
#include "gate/check.h"
#include "job.h"
#include "options.h"
#include "source.h"
#include "verbs_compare.h"

#include <stdio.h>
#include <string.h>

#define SUMMARY_LINES 20
#define SUMMARY_LEAKS 3
#define SUMMARY_CONTEXT 2
#define TREE_CHILDREN 10
#define LEAKS_RECORDS 100 /* for people */
#define FRAMES_READ 64    /* of a stack, by people */
#define FRAMES_KEPT 256   /* by programs: as many as the library keeps unless told otherwise */

static size_t limit_or(const struct job *job, size_t usual)
{
    return job->options->has_limit ? job->options->limit : usual;
}

/* The columns that were asked for; otherwise USUAL, or, for programs (JSON), all there are. */
static struct columns choose_columns(const struct job *job, const char *usual)
{
    struct columns c = {.n = 0};
    struct error error = {""};
    if (!job->options->columns && job->options->format == &format_json)
        return columns_available(job->dump);
    columns_parse(&c, usual, &error);
    if (job->options->columns)
        columns_parse(&c, job->options->columns, &error); /* was checked */
    return c;
}

/* Lifetimes are kept only where a column needs them: they take half a kilobyte a row. */
static bool wants_lifetimes(const struct job *job, const struct columns *c)
{
    const struct column *lifetime = columns_find("lifetime");
    for (size_t i = 0; i < c->n; i++)
        if (c->column[i] == lifetime)
            return true;
    return job->options->sort == lifetime;
}

/* Whether lines go into a listing by source, in which functions that share a line are one row. */
static bool is_listing(const struct job *job)
{
    return job->options->format == &format_text && !job->options->sort;
}

static bool is_filtered(const struct job *job)
{
    return job->options->file_glob || job->options->function_glob;
}

static struct lines find_lines(const struct job *job, const struct columns *columns)
{
    struct lines_options options = {.self = job->options->self,
                                    .by_function = !is_listing(job),
                                    .lifetimes = wants_lifetimes(job, columns),
                                    .file_glob = job->options->file_glob,
                                    .function_glob = job->options->function_glob};
    return lines_new(job->model, &options);
}

static void run_lines(const struct job *job)
{
    struct lines_report r = {.columns = choose_columns(job, "mem-usage,increment,occurrences"),
                             .self = job->options->self,
                             .filtered = is_filtered(job)};
    struct lines lines = find_lines(job, &r.columns);
    struct listing listing;
    size_t limit = limit_or(job, 0);
    r.lines = &lines;
    lines_drop_foreign(&lines);
    if (job->options->sort)
        lines_sort(&lines, job->options->sort);
    else if (limit)
        lines_rank(&lines);
    lines_limit(&lines, limit);
    if (!job->options->sort)
        lines_sort_by_source(&lines);
    listing_read_sources(&lines, job->sources);
    if (is_listing(job)) {
        listing = listing_new(&lines, job->sources, LISTING_WHOLE);
        r.listing = &listing;
    }
    job->out->format->lines(job->out, &r);
    if (r.listing)
        listing_free(&listing);
    lines_free(&lines);
}

static struct leaks find_leaks(const struct job *job, size_t usual_limit)
{
    const struct options *o = job->options;
    struct leaks_options options = {.file_glob = o->file_glob,
                                    .function_glob = o->function_glob,
                                    .sort = o->sort ? o->sort : columns_find("increment"),
                                    .limit = limit_or(job, usual_limit)};
    return leaks_new(job->model, &options);
}

static bool is_for_people(const struct job *job)
{
    return job->options->format == &format_text || job->options->format == &format_markdown;
}

static struct leaks_report report_leaks(const struct job *job, const struct leaks *leaks)
{
    const struct options *o = job->options;
    size_t usual = is_for_people(job) ? FRAMES_READ : FRAMES_KEPT;
    return (struct leaks_report){.leaks = leaks,
                                 .columns = choose_columns(job, "increment,blocks,occurrences"),
                                 .frames = o->has_frames ? o->frames : usual};
}

static void run_leaks(const struct job *job)
{
    struct leaks leaks = find_leaks(job, is_for_people(job) ? LEAKS_RECORDS : 0);
    struct leaks_report r = report_leaks(job, &leaks);
    r.self = job->options->self;
    r.columns_wanted = job->options->columns != NULL;
    job->out->format->leaks(job->out, &r);
    leaks_free(&leaks);
}

static void run_summary(const struct job *job)
{
    struct summary summary = summary_new(job->dump);
    struct summary_report r = {.summary = &summary};
    summary.root = job->model->root;
    summary.root_guessed = job->root_guessed;
    r.lines.columns = choose_columns(job, "mem-usage,increment,occurrences");
    r.lines.self = job->options->self;
    r.lines.filtered = is_filtered(job);
    struct lines lines = find_lines(job, &r.lines.columns);
    struct listing listing;
    r.lines.lines = &lines;
    if (job->options->sort)
        lines_sort(&lines, job->options->sort);
    else
        lines_rank(&lines);
    size_t limit = limit_or(job, SUMMARY_LINES);
    if (limit)
        lines_drop_foreign(&lines);
    lines_limit(&lines, limit);
    listing_read_sources(&lines, job->sources);
    if (is_listing(job)) {
        listing = listing_new(&lines, job->sources, SUMMARY_CONTEXT);
        r.lines.listing = &listing;
    }
    struct leaks leaks = find_leaks(job, SUMMARY_LEAKS);
    r.leaks = report_leaks(job, &leaks);
    job->out->format->summary(job->out, &r);
    if (r.lines.listing)
        listing_free(&listing);
    leaks_free(&leaks);
    lines_free(&lines);
}

static void run_tree(const struct job *job)
{
    const struct options *o = job->options;
    struct columns columns = choose_columns(job, "mem-usage,increment,occurrences");
    const struct column *value = o->value                      ? o->value
                                 : o->sort && o->sort->adds_up ? o->sort
                                                               : columns_find("mem-usage");
    struct tree_options options = {.bottom_up = o->bottom_up,
                                   .value = value,
                                   .sort = o->sort,
                                   .lifetimes = wants_lifetimes(job, &columns),
                                   .by_self = o->self,
                                   .max_depth = o->depth,
                                   .max_children = limit_or(job, TREE_CHILDREN),
                                   .file_glob = o->file_glob,
                                   .function_glob = o->function_glob};
    struct tree tree = tree_new(job->model, &options);
    struct tree_report r = {.tree = &tree, .columns = columns};
    job->out->format->tree(job->out, &r);
    tree_free(&tree);
}

const struct verb verbs_table[] = {
    {"summary", FOR_SUMMARY, "process, totals, the lines that matter most, the largest leaks",
     run_summary, NULL},
    {"lines", FOR_LINES, "the per-line table, whole functions", run_lines, NULL},
    {"leaks", FOR_LEAKS, "what was not freed: one record per stack, largest first", run_leaks,
     NULL},
    {"tree", FOR_TREE, "the call tree, top-down or --bottom-up", run_tree, NULL},
    {"diff", FOR_DIFF, "OLD NEW..: what is new, grown, shrunk or fixed; each a dump or baseline",
     NULL, verb_diff},
    {"baseline", FOR_BASELINE, "a small file to commit, for later comparisons", NULL,
     verb_baseline},
    {"check", FOR_CHECK, "judge dumps by limits, a baseline, suppressions: the exit status tells",
     NULL, check_run},
    {NULL, 0, NULL, NULL, NULL}};

const struct verb *verbs_find(const char *name)
{
    for (const struct verb *v = verbs_table; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

const char *verbs_names(char *buffer, size_t size)
{
    size_t at = 0;
    buffer[0] = '\0';
    for (const struct verb *v = verbs_table; v->name && at < size; v++)
        at += (size_t)snprintf(buffer + at, size - at, "%s%s", at ? ", " : "", v->name);
    return buffer;
}
