/* SPDX-License-Identifier: MIT */
#include "rescue.h"

#include "die.h"
#include "recover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define AT_ONCE 4u

struct rescue {
    struct loop_source source; /* the reading end of the helper's pipe; first */
    struct rescues *rescues;
    struct rescue *prev, *next;
    pid_t pid; /* of the process */
    int vault;
    bool replaced;
};

void rescues_begin(struct rescues *rescues, struct loop *loop)
{
    *rescues = (struct rescues){.loop = loop};
}

/* Starts the helper, whose only descriptors besides the standard ones are the vault and END of a
 * pipe. Its environment is empty: nothing is preloaded into it. Returns 0 or an errno. */
static int spawn(const struct rescue *r, int end)
{
    char *const argv[] = {(char *)"memprof", (char *)RECOVER_OPTION,
                          (char *)(r->replaced ? RECOVER_REPLACED : RECOVER_ENDED), NULL};
    char *const envp[] = {NULL};
    posix_spawn_file_actions_t actions;
    pid_t helper;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    /* Neither may be closed by the other's coming. */
    int vault = fcntl(r->vault, F_DUPFD_CLOEXEC, RECOVER_END + 1);
    int pipe_end = fcntl(end, F_DUPFD_CLOEXEC, RECOVER_END + 1);
    if (vault < 0 || pipe_end < 0)
        error = errno;
    else if (!(error = posix_spawn_file_actions_adddup2(&actions, vault, RECOVER_VAULT)) &&
             !(error = posix_spawn_file_actions_adddup2(&actions, pipe_end, RECOVER_END)))
        error = posix_spawn(&helper, recover_program(), &actions, NULL, argv, envp);
    if (vault >= 0)
        close(vault);
    if (pipe_end >= 0)
        close(pipe_end);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void cannot(pid_t pid, const char *why)
{
    complain("'process %d': was killed, and its dump cannot be written: %s", (int)pid, why);
}

static void start_next(struct rescues *rescues);

/* The helper has said that it is through, or has died. */
static void finish(struct rescue *r)
{
    struct rescues *rescues = r->rescues;
    char done;
    ssize_t n;
    do
        n = read(r->source.fd, &done, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        cannot(r->pid, "what it left behind is damaged");
    loop_unwatch(rescues->loop, &r->source);
    close(r->source.fd);
    close(r->vault);
    DL_DELETE(rescues->running, r);
    free(r);
    rescues->n--;
    start_next(rescues);
}

static void on_end(struct loop_source *source)
{
    finish((struct rescue *)source);
}

static void start(struct rescues *rescues, struct rescue *r)
{
    int ends[2], error;
    if (pipe2(ends, O_CLOEXEC)) {
        error = errno;
    } else {
        error = spawn(r, ends[1]);
        close(ends[1]);
        r->source = (struct loop_source){.fd = ends[0], .ready = on_end};
        if (!error && loop_watch(rescues->loop, &r->source))
            error = errno;
        if (!error) {
            DL_PREPEND(rescues->running, r);
            rescues->n++;
            return;
        }
        close(ends[0]);
    }
    cannot(r->pid, strerror(error));
    close(r->vault);
    free(r);
}

static void start_next(struct rescues *rescues)
{
    while (rescues->queue && rescues->n < AT_ONCE) {
        struct rescue *r = rescues->queue;
        DL_DELETE(rescues->queue, r);
        start(rescues, r);
    }
}

void rescues_add(struct rescues *rescues, pid_t pid, int vault, bool replaced)
{
    struct rescue *r = malloc(sizeof *r);
    if (!r) {
        cannot(pid, strerror(ENOMEM));
        close(vault);
        return;
    }
    *r = (struct rescue){.rescues = rescues, .pid = pid, .vault = vault, .replaced = replaced};
    DL_APPEND(rescues->queue, r);
    start_next(rescues);
}

void rescues_end(struct rescues *rescues)
{
    for (struct rescue *r; (r = rescues->running) != NULL;) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): finish has taken the last one out */
        struct pollfd one = {.fd = r->source.fd, .events = POLLIN};
        if (poll(&one, 1, -1) > 0)
            finish(r);
    }
}
