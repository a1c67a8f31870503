/* SPDX-License-Identifier: MIT */
#include "job.h"
#include "die.h"
#include "load.h"
#include "memory.h"
#include "root.h"
#include "source.h"
#include "symbolize.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_SECONDS 2 /* before progress is shown */

static void warn(void *arg, const char *message)
{
    const struct options *o = arg;
    if (!o->quiet)
        complain("warning: %s", message);
}

/* Progress is shown on terminals, once it has taken long, at most once a second. */
struct progress {
    time_t started, shown;
};

static void show_progress(void *arg, size_t done, size_t total)
{
    struct progress *p = arg;
    time_t now = time(NULL);
    if (now - p->started < PATIENCE_SECONDS || now == p->shown)
        return;
    p->shown = now;
    fprintf(stderr, "\rmemprof-report: looking up symbols: %zu %%", done * 100 / total);
    fflush(stderr);
}

static void add_roots(struct job *job)
{
    for (size_t i = 0; i < job->options->nsource_roots; i++) {
        const char *spec = job->options->source_roots[i], *reason = "cannot be used";
        if (sources_add_root(job->sources, spec, &reason))
            die("'--source-root %s': %s", spec, reason);
    }
}

static struct model *make_model(struct job *job)
{
    struct progress p = {.started = time(NULL)};
    bool shows = !job->options->quiet && isatty(STDERR_FILENO);
    struct model *m = model_new(job->dump, job->symbols, shows ? show_progress : NULL, &p);
    if (p.shown)
        fputs("\r\033[K", stderr);
    return m;
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

/* The root that was asked for; failing that, for the summary, one that suits. */
static void choose_root(struct job *job)
{
    const char *asked = job->options->project_root;
    char *root = NULL;
    if (asked && *asked) {
        root = absolute(asked);
    } else if (!asked && job->options->verb->bit == FOR_SUMMARY) {
        root = root_guess(job->model, job->sources);
        job->root_guessed = root != NULL;
    }
    if (root)
        model_set_root(job->model, root, job->sources);
    free(root);
}

/* What the reader of a table would otherwise not learn. The summary prints the dump's own. */
static void say_warnings(const struct job *job)
{
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

int job_run(const struct options *options, const char *path, struct out *out)
{
    struct error error = {""};
    struct job job = {.options = options, .out = out};
    job.dump = load_file(path, NULL, NULL, &error);
    if (!job.dump) {
        complain("'%s': %s", path, error.text);
        return -1;
    }
    check_columns(&job);
    say_warnings(&job);
    struct symbolize_options how = {.debug_roots = options->debug_roots,
                                    .ndebug_roots = options->ndebug_roots,
                                    .directory = job.dump->process.cwd,
                                    .debuginfod = options->debuginfod,
                                    .debuginfod_budget = options->debuginfod_budget,
                                    .demangle = options->demangle,
                                    .warn = warn,
                                    .warn_arg = (void *)options};
    job.symbols = symbolizer_new(&how);
    job.sources = sources_new();
    if (!job.symbols || !job.sources)
        die("out of memory");
    add_roots(&job);
    job.model = make_model(&job);
    choose_root(&job);
    out->dump = path;
    if (out->index == 0 && out->format->begin)
        out->format->begin(out);
    if (out->format->dump_begin)
        out->format->dump_begin(out);
    options->verb->run(&job);
    if (out->format->dump_end)
        out->format->dump_end(out);
    out->index++;
    model_free(job.model);
    sources_free(job.sources);
    symbolizer_free(job.symbols);
    load_free(job.dump);
    return 0;
}
