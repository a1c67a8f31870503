/* SPDX-License-Identifier: MIT */
#include "die.h"
#include "job.h"
#include "options.h"
#include "out.h"
#include "verbs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_color(const struct options *o)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (o->color != WHEN_AUTO)
        return o->color == WHEN_ALWAYS;
    return !o->output && isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
           !(term && strcmp(term, "dumb") == 0);
}

/* Finishes what was written to O, or ends the tool. */
static void commit(struct out *o, const char *path)
{
    struct error error = {""};
    if (out_commit(o, &error))
        die("'%s': %s", path ? path : "standard output", error.text);
}

/* One report after the other. */
static int report_each(const struct options *options, struct out *out)
{
    int status = 0;
    for (size_t i = 0; i < options->ndumps; i++)
        if (job_run(options, options->dumps[i], out))
            status = EXIT_UNUSABLE;
    if (out->index && out->format->end)
        out->format->end(out);
    return status;
}

static int report(const struct options *options)
{
    const struct verb *verb = options->verb;
    struct error error = {""};
    struct out out = {.format = options->format,
                      .unit = options->unit,
                      .unit_wanted = options->unit_wanted,
                      .color = wants_color(options),
                      .ndumps = options->ndumps};
    for (size_t i = 0; options->output && i < options->ndumps; i++)
        if (out_is_input(options->output, options->dumps[i]))
            die("'%s': is one of the dumps to read, expected another file to write to",
                options->output);
    if (out_open(&out, options->output, &error))
        die("'%s': %s", options->output, error.text);
    int status = verb->run_all ? verb->run_all(options, &out) : report_each(options, &out);
    bool nothing = status == EXIT_UNUSABLE && (out.index == 0 || options->output);
    if (nothing || (verb->bit == FOR_CHECK && options->check.dry_run)) {
        out_discard(&out);
        return status;
    }
    commit(&out, options->output);
    return status;
}

static int print_about(const struct options *options)
{
    struct error error = {""};
    struct out out = {0};
    if (out_open(&out, NULL, &error))
        die("%s", error.text);
    if (options->action == ACTION_HELP)
        options_help(out.file);
    else
        fputs("memprof-report " MEMPROF_VERSION "\n", out.file);
    commit(&out, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error = {""};
    static char messages[BUFSIZ];
    /* Whole lines, so that they do not mix with those of others. */
    setvbuf(stderr, messages, _IOLBF, sizeof messages);
    /* A reader that has seen enough ends us quietly, whatever our parent ignores. */
    signal(SIGPIPE, SIG_DFL);
    if (options_parse(&options, argc, argv, &error))
        die("%s", error.text);
    int status = options.action == ACTION_REPORT ? report(&options) : print_about(&options);
    options_drop(&options);
    return status;
}
