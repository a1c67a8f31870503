/* SPDX-License-Identifier: MIT
 *
 * own_names: defines functions of libc's itself, each of which goes on to another of the same kind,
 * as Erlang's sigaction goes on to __sigaction. Prints how often each was called, and ends with 7,
 * by way of its own _exit. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int calls[4];

/* Deeper than once is a circle. */
static void count(int which)
{
    if (++calls[which] > 3) {
        abort();
    }
}

static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    return function ? function : (abort(), NULL);
}

int sigaction(int number, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    int (*go_on)(int, const struct sigaction *, struct sigaction *);
    count(0);
    *(void **)&go_on = next("__sigaction");
    return go_on(number, action, old);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    int (*go_on)(const char *, char *const[]);
    count(1);
    (void)envp;
    *(void **)&go_on = next("execv");
    return go_on(path, argv);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
    int (*go_on)(const char *, char *const[]);
    count(2);
    (void)envp;
    *(void **)&go_on = next("execvp");
    return go_on(file, argv);
}

void _exit(int status)
{
    void (*go_on)(int) __attribute__((noreturn));
    count(3);
    *(void **)&go_on = next("_Exit");
    go_on(status);
}

int main(void)
{
    char *argv[] = {(char *)(size_t) "true", NULL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    free(malloc(100));
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGTERM, NULL, &old);
    execve("/no/such/file", argv, environ);
    execvpe("no-such-file", argv, environ);
    for (int i = 0; i < 2; i++) {
        int status = 0;
        const pid_t child = fork();
        if (child == 0) {
            i == 0 ? execve("/bin/true", argv, environ) : execvpe("true", argv, environ);
            _exit(1);
        }
        waitpid(child, &status, 0);
        printf("status %d\n", status);
    }
    printf("%d %d %d, ignored: %d\n", calls[0], calls[1], calls[2], old.sa_handler == SIG_IGN);
    fflush(stdout);
    _exit(7);
}
