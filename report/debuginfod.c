/* SPDX-License-Identifier: MIT */
#include "debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The library's own declarations, so that its header need not be installed. */
struct debuginfod_client;

/* What the child writes: the path, or nothing. */
#define MAX_PATH 4096

/* In the child. Its exit status says what the parent cannot see from the pipe. */
enum outcome { FOUND = 0, NOT_FOUND = 1, NO_LIBRARY = 2 };

static enum outcome query(const char *build_id, int out)
{
    void *library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return NO_LIBRARY;
    struct debuginfod_client *(*begin)(void);
    int (*find)(struct debuginfod_client *, const unsigned char *, int, char **);
    *(void **)&begin = dlsym(library, "debuginfod_begin");
    *(void **)&find = dlsym(library, "debuginfod_find_debuginfo");
    struct debuginfod_client *client = begin && find ? begin() : NULL;
    if (!client)
        return NO_LIBRARY;
    char *path = NULL;
    /* Length 0: the id is hex text. */
    int fd = find(client, (const unsigned char *)build_id, 0, &path);
    if (fd < 0 || !path)
        return NOT_FOUND;
    size_t length = strlen(path);
    return length < MAX_PATH && write(out, path, length) == (ssize_t)length ? FOUND : NOT_FOUND;
}

static unsigned long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

/* Reads what the child writes until it closes the pipe; false when the time is up first. */
static bool read_answer(int fd, unsigned long deadline, char *text, size_t *length)
{
    for (;;) {
        unsigned long now = now_ms();
        if (now >= deadline)
            return false;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, (int)(deadline - now));
        if (ready <= 0)
            continue; /* interrupted, or the deadline, which is looked at above */
        ssize_t n = read(fd, text + *length, MAX_PATH - *length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        *length += (size_t)n;
    }
}

/* Returns the child, its answer to be read from *FD; -1 if there is none. */
static pid_t start(const char *build_id, int *fd)
{
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit((int)query(build_id, ends[1]));
    }
    close(ends[1]);
    if (child < 0)
        close(ends[0]);
    *fd = ends[0];
    return child;
}

static char *ask(struct debuginfod *client, const char *build_id, const char **error)
{
    int fd;
    pid_t child = start(build_id, &fd);
    if (child < 0) {
        *error = strerror(errno);
        return NULL;
    }
    char path[MAX_PATH + 1];
    size_t length = 0;
    unsigned long begin = now_ms();
    bool in_time = read_answer(fd, begin + client->budget_ms, path, &length);
    if (!in_time)
        kill(child, SIGKILL);
    close(fd);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    unsigned long spent = now_ms() - begin;
    client->budget_ms = !in_time || spent >= client->budget_ms ? 0 : client->budget_ms - spent;
    if (!in_time)
        *error = "debuginfod: the time allowed for it is up";
    else if (!WIFEXITED(status))
        *error = "debuginfod: the query crashed";
    else if (WEXITSTATUS(status) == NO_LIBRARY)
        *error = "debuginfod: libdebuginfod.so.1 cannot be loaded";
    if (*error || WEXITSTATUS(status) != FOUND || length == 0)
        return NULL;
    path[length] = '\0';
    return strdup(path);
}

char *debuginfod_fetch(struct debuginfod *client, const char *build_id, const char **error)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    *error = NULL;
    if (!urls || !*urls) {
        *error = "debuginfod: DEBUGINFOD_URLS is not set";
        return NULL;
    }
    if (client->budget_ms == 0) {
        *error = "debuginfod: the time allowed for it is up";
        return NULL;
    }
    return ask(client, build_id, error);
}
