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
static int become(char **command, const struct environment *environment, struct signals *signals)
{
    signals_end(signals);
    signals_restore(signals);
    descriptors_restore();
    child_exec(command, environment->entries);
    return not_started(command[0], errno);
}

/* Ends by SIGINT, for a shell script that waits for us and goes on if we exit; without effect in
 * the first process of a container, or if it is ignored. */
static void end_interrupted(struct signals *signals)
{
    sigset_t one;
    signals_end(signals);
    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    raise(SIGINT);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int run_command(char **command, struct environment *environment, const char *notice,
                struct signals *signals)
{
    struct loop loop;
    struct keeper keeper;
    bool forked = false;
    if (loop_begin(&loop) || signals_begin(signals, &loop))
        return become(command, environment, signals);
    const bool kept = keeper_begin(&keeper, &loop) == 0;
    if (kept)
        environment_set(environment, "MEMPROF_KEEPER", keeper.path);
    pid_t pid = child_start(command, environment->entries, signals, &forked);
    if (pid < 0) {
        const int error = errno;
        if (kept) {
            keeper_end(&keeper);
            environment_set(environment, "MEMPROF_KEEPER", "");
        }
        errno = error;
        return forked ? not_started(command[0], errno) : become(command, environment, signals);
    }
    if (notice)
        complain("%s", notice);
    signals_for(signals, pid);
    loop_run(&loop);
    if (kept)
        keeper_end(&keeper);
    loop_end(&loop);
    if (signals_interrupted(signals))
        end_interrupted(signals);
    signals_end(signals);
    return child_status(signals->status);
}

/* Has the library preloaded, unless that would do harm. In NOTICE, of SIZE bytes: why there will be
 * no profile, as far as that is known beforehand. */
static void prepare(const struct cli *cli, struct environment *environment, char *notice,
                    size_t size)
{
    struct places places;
    struct program program = {.preload = true};
    char path[PATH_MAX];
    places_find(&places);
    if (program_find(cli->command[0], path) == 0)
        program_examine(path, &program);
    notice[0] = '\0';
    if (program.blind && !cli->quiet)
        snprintf(notice, size, "'%.1000s': %s: it is run, but not recorded", program.path,
                 program.blind);
    if (program.preload)
        environment_preload(environment, places.library);
}

/* Dumps of all processes go where the launcher was started, not where each process was. */
static void set_out(struct environment *environment, const char *out)
{
    char directory[PATH_MAX], pattern[3 * PATH_MAX];
    size_t n = 0;
    if (*out == '/' || !getcwd(directory, sizeof directory)) {
        environment_set(environment, "MEMPROF_OUT", out);
        return;
    }
    for (const char *c = directory; *c; c++) {
        if (*c == '%')
            pattern[n++] = '%';
        pattern[n++] = *c;
    }
    snprintf(pattern + n, sizeof pattern - n, "%s%s", n > 1 ? "/" : "", out);
    environment_set(environment, "MEMPROF_OUT", pattern);
}

int run_verb(const struct cli *cli, struct signals *signals)
{
    struct environment environment;
    char notice[1400];
    environment_begin(&environment, environ);
    prepare(cli, &environment, notice, sizeof notice);
    for (int i = 0; cli_options[i].name; i++)
        if (cli->values[i])
            environment_set(&environment, cli_options[i].variable, cli->values[i]);
    const char *out = cli_value(cli, "out");
    if (out || !environment_get(&environment, "MEMPROF_OUT"))
        set_out(&environment, out ? out : "memprof.%e.%p.json");
    int status = run_command(cli->command, &environment, *notice ? notice : NULL, signals);
    environment_end(&environment);
    return status;
}
