/* SPDX-License-Identifier: MIT */
#include "job.h"
#include "baseline.h"
#include "die.h"
#include "input.h"
#include "load.h"
#include "memory.h"
#include "root.h"
#include "source.h"
#include "symbolize.h"
#include "verbs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void warn(void *arg, const char *message)
{
    struct job *job = arg;
    progress_clear(&job->progress);
    if (!job->options->quiet)
        complain("warning: %s", message);
}

static void show_reading(void *arg, uint64_t done, uint64_t total)
{
    progress_show(arg, "reading the dump", done, total);
}

static void show_symbols(void *arg, size_t done, size_t total)
{
    progress_show(arg, "looking up symbols", done, total);
}

/* Whether the dump was recorded on another machine, whose names mean other files here. */
static bool is_from_elsewhere(const struct dump *dump)
{
    char here[HOST_NAME_MAX + 1] = "";
    const char *there = dump->process.hostname;
    return gethostname(here, sizeof here - 1) != 0 || !there || strcmp(here, there) != 0;
}

static void add_roots(struct job *job)
{
    sources_on_warning(job->sources, warn, job);
    if (is_from_elsewhere(job->dump))
        sources_only_roots(job->sources);
    for (size_t i = 0; i < job->options->nsource_roots; i++) {
        const char *spec = job->options->source_roots[i], *reason = "cannot be used";
        if (sources_add_root(job->sources, spec, &reason))
            die("'--source-root %s': %s", spec, reason);
    }
}

/* DIR as debug information names it: absolute, without a slash at its end. */
static char *absolute(const char *dir)
{
    char *path = *dir == '/' ? mem_strdup(dir) : realpath(dir, NULL);
    if (!path)
        path = mem_strdup(dir);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    return path;
}

/* The root that was asked for; failing that, for the summary and the gate, one that suits. */
static void choose_root(struct job *job)
{
    const char *asked = job->options->project_root;
    char *root = NULL;
    if (asked && *asked) {
        root = absolute(asked);
    } else if (!asked && (job->options->verb->bit & (FOR_SUMMARY | FOR_CHECK))) {
        root = root_guess(job->model, job->sources);
        job->root_guessed = root != NULL;
    }
    if (root)
        model_set_root(job->model, root, job->sources);
    free(root);
}

void job_warn(const struct job *job)
{
    /* The summary prints the dump's own. */
    for (size_t i = 0; i < job->dump->nwarnings && !job->options->quiet; i++) {
        const struct dump_warning *w = &job->dump->warnings[i];
        if (job->options->verb->bit != FOR_SUMMARY || strcmp(w->code, LOAD_SUMS_DIFFER) == 0)
            complain("'%s': warning: %s", job->dump->path, w->text);
    }
}

static void check_columns(const struct job *job)
{
    struct columns columns = {.n = 0};
    struct error error = {""};
    const struct column *missing = NULL;
    if (job->options->columns && columns_parse(&columns, job->options->columns, &error) == 0)
        missing = columns_missing(&columns, job->dump);
    if (!missing && job->options->sort && !columns_available_in(job->options->sort, job->dump))
        missing = job->options->sort;
    if (missing)
        die("'%s': has no figures for the column '%s', expected a dump whose sites tell their %s",
            job->dump->path, missing->name, missing->name);
}

/* Reads INPUT, a dump or, with BASELINE not NULL, either. Returns 0, or -1 with the reason in
 * ERROR.
 */
static int read_input(struct job *job, const char *path, struct input *input,
                      struct stackset *baseline, struct error *error)
{
    if (!baseline || !baseline_is_next(input)) {
        job->dump = load_input(path, input, error);
        return job->dump ? 0 : -1;
    }
    int result = baseline_read(baseline, input, error);
    input_close(input);
    return result;
}

int job_open_unnamed(struct job *job, const struct options *options, const char *path,
                     struct stackset *baseline)
{
    struct error error = {""};
    *job = (struct job){.options = options, .progress = progress_new(options->quiet)};
    struct input *input = input_open(path, show_reading, &job->progress, &error);
    int result = input ? read_input(job, path, input, baseline, &error) : -1;
    progress_clear(&job->progress);
    if (result) {
        complain("'%s': %s", path, error.text);
        return -1;
    }
    if (baseline && !job->dump && baseline->of_mappings != options->mmap) {
        complain("'%s': is a baseline of %s, expected one of %s", path,
                 baseline->of_mappings ? "mappings" : "blocks",
                 options->mmap ? "mappings (baseline --mmap)" : "blocks, or --mmap");
        return -1;
    }
    if (!job->dump)
        return 0;
    if (options->mmap && load_use_mappings(job->dump)) {
        complain("'%s': holds no mappings, expected a dump recorded with MEMPROF_MMAP=1", path);
        load_free(job->dump);
        job->dump = NULL;
        return -1;
    }
    check_columns(job);
    struct symbolize_options how = {.debug_roots = options->debug_roots,
                                    .ndebug_roots = options->ndebug_roots,
                                    .directory = job->dump->process.cwd,
                                    .debuginfod = options->debuginfod,
                                    .debuginfod_budget = options->debuginfod_budget,
                                    .demangle = options->demangle,
                                    .warn = warn,
                                    .warn_arg = job};
    job->symbols = symbolizer_new(&how);
    job->sources = sources_new();
    if (!job->symbols || !job->sources)
        die("out of memory");
    add_roots(job);
    job->model = model_unnamed(job->dump, job->symbols);
    return 0;
}

void job_name(struct job *job, const bool *wanted)
{
    model_name(job->model, wanted, show_symbols, &job->progress);
    progress_clear(&job->progress);
    if (!wanted)
        choose_root(job);
}

int job_open(struct job *job, const struct options *options, const char *path,
             struct stackset *baseline)
{
    int result = job_open_unnamed(job, options, path, baseline);
    if (result || !job->dump)
        return result;
    if (options->verb->bit != FOR_CHECK)
        job_warn(job);
    job_name(job, NULL);
    return 0;
}

void job_close(struct job *job)
{
    model_free(job->model);
    sources_free(job->sources);
    symbolizer_free(job->symbols);
    load_free(job->dump);
}

int job_run(const struct options *options, const char *path, struct out *out)
{
    struct job job;
    if (job_open(&job, options, path, NULL))
        return -1;
    job.out = out;
    out->dump = path;
    if (out->index == 0 && out->format->begin)
        out->format->begin(out);
    if (out->format->dump_begin)
        out->format->dump_begin(out);
    options->verb->run(&job);
    if (out->format->dump_end)
        out->format->dump_end(out);
    out->index++;
    job_close(&job);
    return 0;
}
