/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "child.h"
#include "descriptors.h"
#include "die.h"
#include "keeper.h"
#include "places.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int not_started(const char *name, int error)
{
    if (error == ENOENT && !strchr(name, '/'))
        complain("'%s': there is no such program in PATH", name);
    else
        complain("'%s': cannot be executed: %s", name, strerror(error));
    return child_exec_status(error);
}

/* Where there is nothing to watch it with, the program is still run. */
static int become(const struct run *run)
{
    signals_end(run->signals);
    if (run->replace) {
        signals_restore(run->signals);
        descriptors_restore();
        child_exec(run->command, run->environment->entries);
    }
    return not_started(run->command[0], errno);
}

void run_end_interrupted(struct signals *signals)
{
    sigset_t one;
    if (!signals_interrupted(signals))
        return;
    signals_end(signals);
    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    raise(SIGINT);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int run_command(const struct run *run)
{
    struct loop loop;
    struct keeper keeper;
    bool forked = false;
    if (loop_begin(&loop) || signals_begin(run->signals, &loop))
        return become(run);
    const bool kept = run->recorded && keeper_begin(&keeper, &loop) == 0;
    if (kept)
        environment_set(run->environment, "MEMPROF_KEEPER", keeper.path);
    pid_t pid = child_start(run->command, run->environment->entries, run->signals, &forked);
    if (pid < 0) {
        const int error = errno;
        if (kept) {
            keeper_end(&keeper);
            environment_set(run->environment, "MEMPROF_KEEPER", "");
        }
        loop_end(&loop);
        errno = error;
        return forked ? not_started(run->command[0], error) : become(run);
    }
    if (run->notice && *run->notice)
        complain("%s", run->notice);
    signals_for(run->signals, pid);
    loop_run(&loop);
    if (kept)
        keeper_end(&keeper);
    loop_end(&loop);
    signals_end(run->signals);
    return child_status(run->signals->status);
}

static void preload(const struct cli *cli, struct environment *environment, char notice[RUN_NOTICE])
{
    struct places places;
    struct program program = {.preload = true};
    char path[PATH_MAX];
    places_find(&places);
    if (program_find(cli->command[0], path) == 0)
        program_examine(path, &program);
    notice[0] = '\0';
    if (program.blind && !cli->quiet)
        snprintf(notice, RUN_NOTICE, "'%.1000s': %s: it is run, but not recorded", program.path,
                 program.blind);
    if (program.preload)
        environment_preload(environment, places.library);
}

void run_prepare(const struct cli *cli, struct environment *environment, char notice[RUN_NOTICE])
{
    environment_begin(environment, environ);
    preload(cli, environment, notice);
    for (int i = 0; cli_options[i].name; i++)
        if (cli->values[i])
            environment_set(environment, cli_options[i].variable, cli->values[i]);
}

void run_set_out(struct environment *environment, const char *directory, const char *name)
{
    char pattern[3 * PATH_MAX];
    size_t n = 0;
    for (const char *c = directory; *c && n < sizeof pattern - 2; c++) {
        if (*c == '%')
            pattern[n++] = '%';
        pattern[n++] = *c;
    }
    snprintf(pattern + n, sizeof pattern - n, "%s%s", n > 1 ? "/" : "", name);
    environment_set(environment, "MEMPROF_OUT", pattern);
}

/* Dumps of all processes go where the launcher was started, not where each process was. */
static void set_out(const struct cli *cli, struct environment *environment)
{
    char directory[PATH_MAX];
    const char *out = cli_value(cli, "out");
    if (!out && environment_get(environment, "MEMPROF_OUT"))
        return;
    if (!out)
        out = "memprof.%e.%p.json";
    if (*out == '/' || !getcwd(directory, sizeof directory))
        environment_set(environment, "MEMPROF_OUT", out);
    else
        run_set_out(environment, directory, out);
}

int run_verb(const struct cli *cli, struct signals *signals)
{
    struct environment environment;
    char notice[RUN_NOTICE];
    run_prepare(cli, &environment, notice);
    set_out(cli, &environment);
    const struct run run = {.command = cli->command,
                            .environment = &environment,
                            .signals = signals,
                            .notice = notice,
                            .recorded = true,
                            .replace = true};
    int status = run_command(&run);
    environment_end(&environment);
    run_end_interrupted(signals);
    return status;
}
