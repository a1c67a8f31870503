/* SPDX-License-Identifier: MIT
 *
 * Programs that count some blocks and then make no more calls of the allocator.
 *
 *     idle pause           "ready" once 100 blocks of 10 bytes are taken
 *     idle threads         the same from four threads, 40 frames deep, which then pause
 *     idle compute         the same, but busy
 *     idle step            one more block of 10 bytes for each line of input, answered by a line
 *     idle raw MS          leaves MS milliseconds later by a raw system call with status 7
 *     idle children N      N children that take their number of blocks and pause, "ready" when all
 *                          do so, with N + 1 blocks of its own
 *     idle execs           a program that is not there; "failed"; 50 more blocks at the next line;
 *                          executes `idle pause` at the one after
 *     idle rawexec         the last of it without libc
 *     idle sees            prints what a program could see of another process of ours
 *     idle limited         the same where no more processes are to be had
 */
#include "raw_exit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t children_signals;

__attribute__((noinline)) static void take(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        void *p = malloc(size);
        __asm__ volatile("" : "+r"(p));
    }
}

static void say(const char *line)
{
    if (write(1, line, strlen(line)) < 0 || write(1, "\n", 1) < 0) {
        _exit(1);
    }
}

static void nap(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

_Noreturn static void pause_for_good(void)
{
    for (;;) {
        pause();
    }
}

static int next_line(void)
{
    char c = 0;
    while (read(0, &c, 1) == 1 && c != '\n') {
    }
    return c == '\n';
}

__attribute__((noinline)) static size_t deep(int frames)
{
    if (frames > 0) {
        return deep(frames - 1) + 1;
    }
    take(25, 10);
    return 0;
}

static pthread_barrier_t all_have;

static void *run(void *arg)
{
    if (deep(40) != 40) {
        exit(1);
    }
    pthread_barrier_wait(&all_have);
    pause_for_good();
    return arg;
}

static void threads(void)
{
    pthread_t thread[4];
    pthread_barrier_init(&all_have, NULL, 5);
    for (int i = 0; i < 4; i++) {
        pthread_create(&thread[i], NULL, run, NULL);
    }
    pthread_barrier_wait(&all_have);
}

static void compute(void)
{
    for (volatile unsigned long i = 0;; i++) {
    }
}

static void children(long n)
{
    int ready[2];
    char c = 0;
    if (pipe(ready) != 0) {
        exit(1);
    }
    for (long i = 1; i <= n; i++) {
        if (fork() == 0) {
            take((size_t)i, 10);
            if (write(ready[1], &c, 1) != 1) {
                _exit(1);
            }
            pause_for_good();
        }
    }
    take((size_t)n + 1, 10);
    for (long i = 0; i < n; i++) {
        if (read(ready[0], &c, 1) != 1) {
            exit(1);
        }
    }
}

static void execs(char *program)
{
    char *const nothing[] = {"/nowhere/at/all", NULL}, *const again[] = {program, "pause", NULL};
    execve(nothing[0], nothing, environ);
    say("failed");
    next_line();
    take(50, 10);
    say("more");
    next_line();
    execve(program, again, environ);
}

static void execute_raw(char *program)
{
    char *const again[] = {program, "pause", NULL};
    say("first");
    next_line();
    syscall(SYS_execve, program, again, environ);
}

static void on_child(int number)
{
    (void)number;
    children_signals++;
}

static void show_waits(const char *when)
{
    siginfo_t info = {0};
    struct rusage usage;
    const pid_t any = waitpid(-1, NULL, WNOHANG);
    printf("%s: waitpid %d %s\n", when, (int)any, any < 0 ? strerrorname_np(errno) : "");
    const int all = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    printf("waitid %d %s\n", all, all < 0 ? strerrorname_np(errno) : "");
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("children: %ld KiB, %ld faults, SIGCHLD %d\n", usage.ru_maxrss, usage.ru_minflt,
           (int)children_signals);
    printf("kill(0): %d\n", kill(0, 0));
    fflush(stdout);
}

/* What a tracer or a supervisor of everything would ask. */
static void show_kinds(void)
{
    const pid_t any = waitpid(-1, NULL, __WALL);
    printf("__WALL: %d %s\n", (int)any, any < 0 ? strerrorname_np(errno) : "");
}

static void sees(void)
{
    struct sigaction action = {.sa_handler = on_child};
    sigaction(SIGCHLD, &action, NULL);
    show_waits("at once");
    nap(300);
    show_waits("later");
    const pid_t child = fork();
    if (child == 0) {
        take(7, 7);
        nap(100);
        _exit(3);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
    }
    printf("child: %d\n", WEXITSTATUS(status));
    printf("then: %d, SIGCHLD %d\n", (int)waitpid(-1, NULL, 0), (int)children_signals);
    show_kinds();
    take(5, 5);
    nap(100);
    show_kinds();
}

static void limited(void)
{
    const struct rlimit none = {1, 1};
    setrlimit(RLIMIT_NPROC, &none);
    /* Of root nobody counts the processes. */
    if (getuid() == 0 && setuid(65534) != 0) {
        exit(77);
    }
    const pid_t child = fork();
    printf("fork: %s\n", child < 0 ? strerrorname_np(errno) : "a child");
    if (child == 0) {
        _exit(0);
    }
    nap(200);
    take(100, 10);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
    if (strcmp(mode, "threads") == 0) {
        threads();
    } else if (strcmp(mode, "children") == 0) {
        children(strtol(argument, NULL, 10));
    } else if (strcmp(mode, "limited") == 0) {
        limited();
        return 0;
    } else {
        take(100, 10);
    }
    if (strcmp(mode, "sees") == 0) {
        sees();
        return 0;
    }
    if (strcmp(mode, "raw") == 0) {
        nap(strtol(argument, NULL, 10));
        raw_exit(7);
    }
    if (strcmp(mode, "execs") == 0) {
        execs(argv[0]);
    }
    if (strcmp(mode, "rawexec") == 0) {
        execute_raw(argv[0]);
    }
    say("ready");
    if (strcmp(mode, "compute") == 0) {
        compute();
    }
    while (strcmp(mode, "step") == 0 && next_line()) {
        take(1, 10);
        say("done");
    }
    if (strcmp(mode, "step") == 0) {
        return 0;
    }
    pause_for_good();
}
