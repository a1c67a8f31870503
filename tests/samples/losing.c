/* SPDX-License-Identifier: MIT
 *
 * losing: loses blocks, as told by its arguments, each a word and a number:
 *
 * leak=N: a block of N bytes.
 *
 * chance=N: a block of N bytes each time but in the first run of the program in its directory, of
 * which the file `ran` remains.
 *
 * child=N: a child process loses a block of N bytes.
 *
 * end=N: ends by signal N. status=N: ends with N.
 *
 * Always gives back one block, so that there is something to record. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile lost;

static __attribute__((noinline)) void leak(size_t size)
{
    lost = malloc(size);
}

static __attribute__((noinline)) void leak_by_chance(size_t size)
{
    lost = malloc(size);
}

static void leak_in_child(size_t size)
{
    pid_t pid = fork();
    if (pid == 0) {
        leak(size);
        exit(0);
    }
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    int status = 0;
    lost = malloc(100);
    free(lost);
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        int n = value ? atoi(value + 1) : 0;
        if (strncmp(argv[i], "leak=", 5) == 0)
            leak((size_t)n);
        else if (strncmp(argv[i], "chance=", 7) == 0 && access("ran", F_OK) == 0)
            leak_by_chance((size_t)n);
        else if (strncmp(argv[i], "child=", 6) == 0)
            leak_in_child((size_t)n);
        else if (strncmp(argv[i], "end=", 4) == 0)
            raise(n);
        else if (strncmp(argv[i], "status=", 7) == 0)
            status = n;
    }
    FILE *ran = fopen("ran", "w");
    if (ran)
        fclose(ran);
    return status;
}
