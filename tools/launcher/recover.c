/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include "die.h"
#include "preload/salvage.h"
#include "preload/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#define CPU_SECONDS 120
#define ATTEMPTS 20 /* to be loaded where the dead process had nothing */

bool recover_is_meant(int argc, char **argv)
{
    return argc >= 3 && strcmp(argv[1], RECOVER_OPTION) == 0;
}

const char *recover_program(void)
{
    static const char own[] = "/proc/self/exe";
    return access(own, X_OK) == 0 ? own : (const char *)getauxval(AT_EXECFN);
}

static void limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit l;
    if (getrlimit(resource, &l) == 0 && l.rlim_max > most) {
        l.rlim_cur = l.rlim_max = most;
        setrlimit(resource, &l);
    }
}

/* Starts again, for other addresses. */
static void try_again(char **argv, int attempt)
{
    char number[16];
    char *const again[] = {argv[0], argv[1], argv[2], number, NULL};
    char *const envp[] = {NULL};
    snprintf(number, sizeof number, "%d", attempt + 1);
    if (attempt < ATTEMPTS)
        execve(recover_program(), again, envp);
}

static const char *why_not(enum salvage_result result)
{
    switch (result) {
    case SALVAGE_CLASH:
        return "its addresses are in use here";
    case SALVAGE_DAMAGED:
        return "what it left behind is damaged";
    case SALVAGE_SPILT:
        return "not all of its state could be kept";
    case SALVAGE_OTHER:
        return "it was recorded by another build of the library";
    default:
        return NULL; /* all is well, or it has been said */
    }
}

int recover_main(int argc, char **argv)
{
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_CORE, 0);
    say_start();
    const enum salvage_result result =
        salvage_dump(&recorder, RECOVER_VAULT, strcmp(argv[2], RECOVER_REPLACED) == 0);
    if (result == SALVAGE_CLASH)
        try_again(argv, argc > 3 ? atoi(argv[3]) : 0);
    const char *why = why_not(result);
    if (why)
        complain("'%s': was killed, and its dump cannot be written: %s",
                 recorder.exe[0] ? recorder.exe : "a process", why);
    /* Whatever is missing has been said: the launcher need not. */
    return write(RECOVER_END, "", 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
