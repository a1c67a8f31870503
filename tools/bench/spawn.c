/* SPDX-License-Identifier: MIT
 *
 * Runs a command and writes down what it took:
 *
 *     spawn RESULT SECONDS COMMAND [ARGUMENT..]
 *
 * RESULT gets one line: wall, user and system seconds, peak RSS in KiB, exit status (128 + n for a
 * signal n, 124 if it was killed after SECONDS, or with this program). A program of its own
 * because a child's peak RSS begins with the size of the process that forked it, and a Python
 * interpreter is larger than some of the programs that are measured.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static volatile sig_atomic_t stopped;

/* The command's process group: a script's children too. */
static void stop(int number)
{
    (void)number;
    stopped = 1;
    kill(-child, SIGKILL);
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int exit_status(int status)
{
    if (stopped) {
        return 124;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: spawn RESULT SECONDS COMMAND [ARGUMENT..]\n", stderr);
        return 2;
    }
    double start = now();
    child = fork();
    if (child < 0) {
        perror("spawn: fork");
        return 1;
    }
    if (child == 0) {
        setpgid(0, 0);
        execvp(argv[3], argv + 3);
        fprintf(stderr, "spawn: '%s': %s\n", argv[3], strerror(errno));
        _exit(127);
    }
    setpgid(child, child); /* here too: whoever is first */
    signal(SIGALRM, stop);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    alarm((unsigned)strtoul(argv[2], NULL, 10));
    int status;
    struct rusage usage;
    pid_t ended;
    do {
        ended = wait4(child, &status, 0, &usage);
    } while (ended < 0 && errno == EINTR);
    double elapsed = now() - start;
    FILE *result = fopen(argv[1], "w");
    if (ended < 0 || !result) {
        fprintf(stderr, "spawn: '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    fprintf(result, "%.6f %.6f %.6f %ld %d\n", elapsed, seconds_of(usage.ru_utime),
            seconds_of(usage.ru_stime), usage.ru_maxrss, exit_status(status));
    return fclose(result) == 0 ? 0 : 1;
}
