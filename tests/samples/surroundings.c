/* SPDX-License-Identifier: MIT
 *
 * surroundings: prints what a library in the process might change: open descriptors, threads,
 * signal dispositions and mask, environment, limits, umask, name, timers. Before and after
 * allocating. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static void show_descriptors(void)
{
    char path[64], target[256];
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = '\0';
        /* Pipes are numbered, and the two runs have different ones. */
        target[strcspn(target, ":")] = '\0';
        printf("fd %d %s flags %d\n", fd, target, flags);
    }
}

static void show_status(void)
{
    static const char *const names[] = {
        "Name:", "Threads:", "SigBlk:", "SigIgn:", "Umask:", "Seccomp:"};
    char line[512];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strncmp(line, names[i], strlen(names[i])) == 0)
                fputs(line, stdout);
    if (f)
        fclose(f);
}

/* Not SigCgt of the status: what a program is told counts, by sigaction. */
static void show_signals(void)
{
    struct sigaction now;
    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &now) == 0)
            printf("signal %d: %s, flags %x\n", number,
                   now.sa_handler == SIG_DFL   ? "default"
                   : now.sa_handler == SIG_IGN ? "ignored"
                                               : "handled",
                   (unsigned)now.sa_flags);
}

static void show_rest(void)
{
    struct itimerval timer;
    stack_t stack;
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
        if (getitimer(which, &timer) == 0)
            printf("timer %d: %ld\n", which, (long)timer.it_value.tv_sec);
    if (sigaltstack(NULL, &stack) == 0)
        printf("alternate stack: flags %d\n", stack.ss_flags);
    for (int limit = 0; limit < RLIM_NLIMITS; limit++) {
        struct rlimit r;
        if (getrlimit((__rlimit_resource_t)limit, &r) == 0)
            printf("limit %d: %llu %llu\n", limit, (unsigned long long)r.rlim_cur,
                   (unsigned long long)r.rlim_max);
    }
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "LD_PRELOAD=", 11) != 0)
            puts(*e);
}

static void show(void)
{
    show_descriptors();
    show_status();
    show_signals();
    show_rest();
}

int main(void)
{
    show();
    for (int i = 0; i < 10000; i++) {
        void *p = malloc((size_t)i);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
    }
    puts("after allocating");
    show();
    return 0;
}
