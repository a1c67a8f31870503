/* SPDX-License-Identifier: MIT
 *
 * Processes that end without a word, in many ways.
 *
 *     kept tree         kills its grandchild, its child and itself
 *     kept many N       kills N children and itself
 *     kept fork|clone|raw-fork   a child that inherits, while its parent goes on; both are killed
 *     kept execute      executes `kept silent`, after a program that is not there
 *     kept remain       fails to execute a program, and is killed
 *     kept raw          does the same without libc
 *     kept silent       leaves by a raw system call with status 7
 *     kept chroot DIR   its child is recorded where no launcher can be seen
 *     kept await FILE   waits for FILE, has a child, and ends well
 *     kept eat          uses up memory
 */
#include "raw_exit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *program;

/* COUNT blocks of SIZE bytes, never freed. */
__attribute__((noinline)) static void take(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        void *p = malloc(size);
        __asm__ volatile("" : "+r"(p));
    }
}

_Noreturn static void die(void)
{
    kill(getpid(), SIGKILL);
    abort();
}

static void wait_for(pid_t child)
{
    while (waitpid(child, NULL, 0) != child) {
    }
}

static void tree(void)
{
    take(100, 10);
    const pid_t child = fork();
    if (child == 0) {
        take(50, 20);
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            take(30, 7);
            die();
        }
        wait_for(grandchild);
        die();
    }
    wait_for(child);
    take(1, 10);
    die();
}

static void many(long n)
{
    for (long i = 0; i < n; i++) {
        if (fork() == 0) {
            take((size_t)i + 1, 3);
            die();
        }
    }
    for (long i = 0; i < n; i++) {
        wait(NULL);
    }
    take(1, 10);
    die();
}

/* The child counts its first event when its parent has done a lot more. */
static void inherit(const char *how)
{
    int ready[2];
    char c = 0;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        return;
    }
    take(100, 1000);
    const pid_t child = (pid_t)(*how == 'f'   ? fork()
                                : *how == 'c' ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)
                                              : raw_fork());
    if (child == 0) {
        while (read(ready[0], &c, 1) != 1) {
        }
        take(5, 50);
        kill((pid_t)syscall(SYS_getpid), SIGKILL);
        _exit(1);
    }
    for (size_t size = 1; size < 3000; size++) {
        take(10, size);
    }
    while (write(ready[1], &c, 1) != 1) {
    }
    wait_for(child);
    die();
}

static void fail_to_execute(void)
{
    char *const nothing[] = {"/nowhere/at/all", NULL};
    execve(nothing[0], nothing, environ);
}

static void execute(bool raw)
{
    char *const silent[] = {program, "silent", NULL};
    take(40, 100);
    if (raw) {
        syscall(SYS_execve, program, silent, environ);
    }
    fail_to_execute();
    take(2, 100);
    execve(program, silent, environ);
}

static void remain(void)
{
    take(40, 100);
    fail_to_execute();
    take(2, 100);
    die();
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
}

static void await(const char *file)
{
    take(8, 16);
    while (access(file, F_OK) != 0) {
        nap();
    }
    take(8, 16);
    const pid_t child = fork();
    if (child == 0) {
        take(3, 3);
        exit(0);
    }
    wait_for(child);
}

static void leave_root(const char *directory)
{
    take(2, 20);
    if (chroot(directory) != 0 || chdir("/") != 0) {
        exit(77);
    }
    const pid_t child = fork();
    if (child == 0) {
        take(3, 3);
        exit(0);
    }
    wait_for(child);
    die();
}

static void eat(void)
{
    for (;;) {
        char *p = malloc(1 << 20);
        if (p) {
            memset(p, 1, 1 << 20);
        }
    }
}

/* Long enough for the resident set to be looked into, and killed. */
static void reside(void)
{
    take(24 << 10, 1 << 10);
    for (int i = 0; i < 150; i++) {
        nap();
        take(1, 16);
    }
    die();
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
    program = argv[0];
    if (strcmp(mode, "tree") == 0) {
        tree();
    } else if (strcmp(mode, "many") == 0) {
        many(strtol(argument, NULL, 10));
    } else if (strcmp(mode, "fork") == 0 || strcmp(mode, "clone") == 0 ||
               strcmp(mode, "raw-fork") == 0) {
        inherit(mode);
    } else if (strcmp(mode, "execute") == 0 || strcmp(mode, "raw") == 0) {
        execute(mode[0] == 'r');
    } else if (strcmp(mode, "remain") == 0) {
        remain();
    } else if (strcmp(mode, "silent") == 0) {
        take(6, 60);
        raw_exit(7);
    } else if (strcmp(mode, "chroot") == 0) {
        leave_root(argument);
    } else if (strcmp(mode, "await") == 0) {
        await(argument);
    } else if (strcmp(mode, "resident") == 0) {
        reside();
    } else if (strcmp(mode, "eat") == 0) {
        eat();
    }
    return 0;
}
