/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "child.h"
#include "choice.h"
#include "die.h"
#include "expected.h"
#include "memory.h"
#include "places.h"
#include "run.h"
#include "tempdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DUMP_NAME "%e.%p.json"
#define MAX_RUN_NAME 32

struct check {
    const struct cli *cli;
    struct signals *signals;
    struct expected expected;
    struct places places;
    struct tempdir directory;
    size_t runs; /* that were made */
    char **dumps;
    size_t ndumps, capacity;
    int program;  /* exit status of the first run that failed; 0: none did */
    bool missing; /* a run left nothing to judge */
};

/* Directory of run INDEX: a directory for each, by which the judge tells them apart. */
static void name_run(const struct check *c, size_t index, char path[PATH_MAX + MAX_RUN_NAME])
{
    snprintf(path, PATH_MAX + MAX_RUN_NAME, "%s/run%zu", c->directory.path, index + 1);
}

/* Takes note of the dumps in DIRECTORY that are to be judged. Returns how many there are. */
static size_t take_dumps(struct check *c, const char *directory)
{
    size_t n, taken = 0;
    char **dumps = tempdir_dumps(directory, &n);
    c->dumps = mem_grow(c->dumps, &c->capacity, c->ndumps + n + 1, sizeof *c->dumps);
    for (size_t i = 0; i < n; i++) {
        if (choice_has(dumps[i], c->cli->only, c->cli->skip)) {
            c->dumps[c->ndumps++] = dumps[i];
            taken++;
        } else {
            free(dumps[i]);
        }
    }
    free(dumps);
    return taken;
}

/* Runs the program for the INDEXth time and takes note of its dumps. */
static void run_once(struct check *c, size_t index)
{
    char directory[PATH_MAX + MAX_RUN_NAME], notice[RUN_NOTICE];
    struct environment environment;
    name_run(c, index, directory);
    if (mkdir(directory, 0700))
        die("'%s': cannot be made: %s", directory, strerror(errno));
    run_prepare(c->cli, &environment, notice);
    run_set_out(&environment, directory, DUMP_NAME);
    const struct run run = {.command = c->cli->command,
                            .environment = &environment,
                            .signals = c->signals,
                            .notice = notice,
                            .recorded = true};
    int status = run_command(&run);
    environment_end(&environment);
    c->runs++;
    if (status && !c->program)
        c->program = status;
    if (take_dumps(c, directory) == 0 && !status) {
        complain("'%s': left no dump to judge, expected a program that ends by itself and can be "
                 "recorded%s",
                 c->cli->command[0],
                 c->cli->only || c->cli->skip ? ", and is one of those to judge" : "");
        c->missing = true;
    }
}

/* Has the dumps judged, or with none the options alone. Returns the judge's exit status. */
static int judge(struct check *c, bool options_only)
{
    static char check_word[] = "check", dry_run_word[] = "--dry-run", end_word[] = "--",
                repeated_word[] = "--repeated", mmap_word[] = "--mmap",
                no_word[] = "none.json"; /* is not looked at */
    const struct cli *cli = c->cli;
    struct environment environment;
    char **argv = mem_zero(cli->ngate + c->ndumps + 8, sizeof *argv);
    size_t n = 0;
    argv[n++] = c->places.report;
    argv[n++] = check_word;
    if (options_only)
        argv[n++] = dry_run_word;
    if (cli->repeat > 1)
        argv[n++] = repeated_word;
    if (cli_value(cli, "mmap"))
        argv[n++] = mmap_word;
    for (size_t i = 0; i < cli->ngate; i++)
        argv[n++] = cli->gate[i];
    argv[n++] = end_word;
    if (options_only)
        argv[n++] = no_word;
    else
        memcpy(argv + n, c->dumps, c->ndumps * sizeof *argv);
    environment_begin(&environment, environ);
    const struct run run = {.command = argv, .environment = &environment, .signals = c->signals};
    int status = run_command(&run);
    environment_end(&environment);
    free(argv);
    /* Not started: a line has said why. */
    return status == CHILD_NOT_EXECUTABLE || status == CHILD_NOT_FOUND ? EXIT_UNUSABLE : status;
}

/* Moves the dumps to where they are to be kept, those of repeated runs with the run before the
 * name. */
static void keep(struct check *c)
{
    const char *place = c->cli->keep_dumps;
    for (size_t i = 0; i < c->ndumps; i++) {
        char target[2 * PATH_MAX], run[MAX_RUN_NAME] = "";
        const char *name = strrchr(c->dumps[i], '/') + 1;
        if (c->cli->repeat > 1) {
            const char *directory = c->dumps[i] + strlen(c->directory.path) + 1;
            snprintf(run, sizeof run, "%.*s.", (int)strcspn(directory, "/"), directory);
        }
        snprintf(target, sizeof target, "%s/%s%s", place, run, name);
        if (rename(c->dumps[i], target))
            complain("'%s': the dump cannot be kept: %s", target, strerror(errno));
    }
}

static void begin(struct check *c)
{
    places_find(&c->places);
    if (!c->places.report[0])
        die("'memprof-report': is not beside this program, expected the tool of this installation");
    const char *place = c->cli->keep_dumps;
    if (tempdir_make(&c->directory, place))
        die("'%s': no directory for dumps can be made there: %s", place ? place : "TMPDIR",
            strerror(errno));
}

static int check(struct check *c)
{
    /* Before the program is run, perhaps for an hour. */
    int status = judge(c, true);
    if (status)
        return expected_status(&c->expected, 0, status);
    while (c->runs < c->cli->repeat && !c->program && !c->missing)
        run_once(c, c->runs);
    /* Somebody has ended it before its time: there is nothing to judge. */
    if (c->program && c->signals->ending)
        return c->program;
    if (c->ndumps)
        status = judge(c, false);
    if (c->cli->keep_dumps)
        keep(c);
    return expected_status(&c->expected, c->program, c->missing ? EXIT_UNUSABLE : status);
}

int check_verb(const struct cli *cli, struct signals *signals)
{
    struct check c = {.cli = cli, .signals = signals, .expected = expected_take()};
    begin(&c);
    int status = check(&c);
    tempdir_remove(&c.directory);
    tempdir_forget(c.dumps, c.ndumps);
    run_end_interrupted(signals);
    return status;
}
