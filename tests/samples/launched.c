/* SPDX-License-Identifier: MIT
 *
 * launched: a program for the launcher to run. The first argument is the mode, N the second.
 *
 * exit: ends with status N.
 *
 * kill: ends by signal N, with no core.
 *
 * relations: prints process group, session, parent, and what becomes of SIGCHLD.
 *
 * receive: prints `ready`, then a line for each signal it gets, with its number, si_code and value;
 * ends with 0 after SIGTERM.
 *
 * wait: prints `ready` and its process id, and waits for a signal that ends it.
 *
 * group: ignores signal N, sends it to its whole process group, and prints `done`.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int end_by(int number)
{
    struct rlimit none = {0, 0};
    sigset_t one;
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    return 99;
}

static int show_relations(void)
{
    struct sigaction chld;
    sigaction(SIGCHLD, NULL, &chld);
    printf("group %d session %d parent %d chld %s\n", getpgrp(), getsid(0), getppid(),
           chld.sa_handler == SIG_IGN ? "ignored" : "default");
    return 0;
}

static int receive(void)
{
    sigset_t all;
    siginfo_t info;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    puts("ready");
    fflush(stdout);
    do {
        if (sigwaitinfo(&all, &info) < 0)
            continue;
        printf("%d %d %d\n", info.si_signo, info.si_code,
               info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
        fflush(stdout);
    } while (info.si_signo != SIGTERM);
    return 0;
}

static int wait_for_end(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (pause() < 0)
        continue;
    return 0;
}

static int signal_group(int number)
{
    signal(number, SIG_IGN);
    kill(0, number);
    puts("done");
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? atoi(argv[2]) : 0;
    if (strcmp(mode, "exit") == 0)
        return number;
    if (strcmp(mode, "kill") == 0)
        return end_by(number);
    if (strcmp(mode, "relations") == 0)
        return show_relations();
    if (strcmp(mode, "receive") == 0)
        return receive();
    if (strcmp(mode, "wait") == 0)
        return wait_for_end();
    if (strcmp(mode, "group") == 0)
        return signal_group(number);
    fputs("launched: no such mode\n", stderr);
    return 98;
}
