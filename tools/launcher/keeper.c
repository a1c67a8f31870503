/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include "descriptors.h"
#include "die.h"
#include "leftover.h"
#include "preload/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utlist.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* When the program has ended, others may have been killed with it and be on their way out. */
#define GRACE_MS 100

/* Descriptors: of each process, while it is kept and while its dump is written; and all others. */
#define DESCRIPTORS_EACH 3
#define DESCRIPTORS_OTHERS 40

/* A process that has begun to record. */
struct ward {
    struct loop_source source; /* its connection, then, with a vault, its pidfd; first */
    struct keeper *keeper;
    struct ward *prev, *next;
    pid_t pid;
    int vault; /* -1: not handed over yet */
};

static void catch_up(struct keeper *k);
static void on_message(struct loop_source *source);

static void drop(struct ward *w)
{
    struct keeper *k = w->keeper;
    if (w->source.fd >= 0) {
        loop_unwatch(k->loop, &w->source);
        close(w->source.fd);
    }
    DL_DELETE(k->wards, w);
    free(w);
    k->kept--;
    if (k->waiting && loop_watch(k->loop, &k->source) == 0)
        k->waiting = false;
}

/* W's process has ended, or executed another program, and will not write a dump any more. */
static void hand_on(struct ward *w, bool replaced)
{
    uint32_t state = VAULT_OPEN;
    const off_t at = offsetof(struct vault_header, state);
    if (pread(w->vault, &state, sizeof state, at) == sizeof state && state == VAULT_CLOSED)
        close(w->vault);
    else
        rescues_add(&w->keeper->rescues, w->pid, w->vault, replaced);
    drop(w);
}

static void on_death(struct loop_source *source)
{
    struct ward *found = NULL, *w = (struct ward *)source;
    struct keeper *k = w->keeper;
    /* It may have executed another program, whose state is on its way. */
    catch_up(k);
    DL_FOREACH(k->wards, found)
    {
        if (found == w) {
            hand_on(w, false);
            return;
        }
    }
}

static bool has_ended(int pidfd)
{
    struct pollfd one = {.fd = pidfd, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

/* If the process of W has had another program before this one, what that counted is complete;
 * unless its number alone is the same. Wards are in the order in which they came. */
static void replace_former(const struct ward *w)
{
    const bool alive = w->source.fd >= 0 && !has_ended(w->source.fd);
    for (struct ward *other = w->keeper->wards, *next; other != w; other = next) {
        next = other->next;
        if (other->pid == w->pid && other->vault >= 0)
            hand_on(other, !alive || !has_ended(other->source.fd));
    }
}

/* Receives the message on CONNECTION. Returns the vault's descriptor, or -1. */
static int receive(int connection)
{
    struct vault_hello hello;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &hello, .iov_len = sizeof hello};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    int fd = -1;
    ssize_t n = recvmsg(connection, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (fd >= 0 &&
        (n != sizeof hello || memcmp(hello.magic, VAULT_MAGIC, sizeof hello.magic) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A pidfd of the process at the other end of CONNECTION, whose id is PID; -1 if it is gone. */
static int open_peer(int connection, pid_t pid)
{
    int fd = -1;
    socklen_t size = sizeof fd;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
        return fd;
    return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* W's connection has what it was made for, or was closed. */
static void meet(struct ward *w)
{
    struct keeper *k = w->keeper;
    struct loop_source *source = &w->source;
    int connection = source->fd;
    w->vault = receive(connection);
    loop_unwatch(k->loop, source);
    source->fd = w->vault >= 0 ? open_peer(connection, w->pid) : -1;
    close(connection);
    source->ready = on_death;
    if (w->vault < 0) {
        drop(w);
        return;
    }
    replace_former(w);
    if (source->fd < 0 || loop_watch(k->loop, source))
        hand_on(w, false);
}

/* Takes a connection in. Returns false if there is none, or no room for it: then it waits. */
static bool take_in(struct keeper *k)
{
    const bool full = k->wards && k->kept >= k->most;
    int fd = full ? -1 : accept4(k->source.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (full && !k->waiting) {
        loop_unwatch(k->loop, &k->source);
        k->waiting = true;
    }
    if (fd < 0)
        return false;
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    struct ward *w = malloc(sizeof *w);
    if (!w) { /* the program must not lose its launcher for it */
        complain("'process %d': will leave no dump if it is killed: out of memory", (int)peer.pid);
        close(fd);
        return true;
    }
    *w = (struct ward){.source = {fd, on_message}, .keeper = k, .pid = peer.pid, .vault = -1};
    DL_APPEND(k->wards, w);
    k->kept++;
    if (loop_watch(k->loop, &w->source))
        drop(w);
    return true;
}

/* Takes in all that there is, in the order in which it came. */
static void catch_up(struct keeper *k)
{
    while (take_in(k))
        ;
    for (struct ward *w = k->wards, *next; w; w = next) {
        next = w->next;
        struct pollfd one = {.fd = w->source.fd, .events = POLLIN};
        if (w->vault < 0 && poll(&one, 1, 0) > 0)
            meet(w);
    }
}

static void on_message(struct loop_source *source)
{
    catch_up(((struct ward *)source)->keeper);
}

static void on_connection(struct loop_source *source)
{
    take_in((struct keeper *)source);
}

/* Where memory is never promised twice, a page of a file that cannot be had ends the process. */
static bool memory_is_promised_once(void)
{
    char mode = '0';
    int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (read(fd, &mode, 1) != 1)
        mode = '0';
    close(fd);
    return mode == '2';
}

/* Makes the private directory, in the first place where its socket's name is short enough. */
static int make_directory(struct keeper *k)
{
    const char *places[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *place = places[i];
        if (!place || *place != '/' || strlen(place) + 32 > sizeof k->path)
            continue;
        leftover_sweep(place, "memprof.");
        snprintf(k->directory, sizeof k->directory, "%.70s/memprof.XXXXXX", place);
        if (mkdtemp(k->directory)) {
            k->claim = leftover_claim(k->directory);
            snprintf(k->path, sizeof k->path, "%.90s/keeper", k->directory);
            return 0;
        }
    }
    return -1;
}

static void remove_directory(struct keeper *k)
{
    unlink(k->path);
    rmdir(k->directory);
    if (k->claim >= 0)
        close(k->claim);
}

int keeper_begin(struct keeper *keeper, struct loop *loop)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *keeper = (struct keeper){.source = {-1, on_connection}, .loop = loop};
    if (memory_is_promised_once() || make_directory(keeper))
        return -1;
    rescues_begin(&keeper->rescues, loop);
    memcpy(address.sun_path, keeper->path, sizeof keeper->path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    keeper->source.fd = fd;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, SOMAXCONN) == 0 && loop_watch(loop, &keeper->source) == 0) {
        const size_t limit = descriptors_raise();
        keeper->most =
            limit > DESCRIPTORS_OTHERS ? (limit - DESCRIPTORS_OTHERS) / DESCRIPTORS_EACH : 1;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    remove_directory(keeper);
    return -1;
}

/* Waits for at most GRACE_MS for one of the processes to end, and sees to it. */
static bool await_another(struct keeper *k)
{
    bool found = false;
    size_t n = 0, count;
    struct ward *each;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed is in the list no more */
    DL_COUNT(k->wards, each, count);
    struct pollfd *all = count ? calloc(count, sizeof *all) : NULL;
    for (struct ward *w = k->wards; w && all; w = w->next)
        all[n++] = (struct pollfd){.fd = w->source.fd, .events = POLLIN};
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    if (n > 0 && poll(all, n, GRACE_MS) > 0) {
        size_t i = 0;
        for (struct ward *w = k->wards, *next; w && i < n; w = next, i++) {
            next = w->next;
            if (all[i].revents) {
                found = true;
                w->source.ready(&w->source);
                break; /* others may be gone with it */
            }
        }
    }
    free(all);
    return found;
}

void keeper_end(struct keeper *keeper)
{
    do
        catch_up(keeper);
    while (await_another(keeper));
    for (struct ward *w = keeper->wards, *next; w; w = next) {
        next = w->next;
        if (w->vault >= 0)
            close(w->vault);
        drop(w);
    }
    rescues_end(&keeper->rescues);
    loop_unwatch(keeper->loop, &keeper->source);
    close(keeper->source.fd);
    remove_directory(keeper);
}
