/* SPDX-License-Identifier: MIT
 *
 * What the launcher asks of libc, made to fail: see plan.h. Linked into a build of the launcher for
 * tests. The names of the classes begin with "run.", so that the library in the program that it
 * starts, which finds the same plan, does not take them for its own.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wrap.h"

WRAP(void *, malloc, (size_t size), (size), "run.malloc", without_memory())
WRAP(void *, calloc, (size_t count, size_t size), (count, size), "run.malloc", without_memory())
WRAP(void *, realloc, (void *block, size_t size), (block, size), "run.malloc", without_memory())
WRAP(char *, strdup, (const char *text), (text), "run.malloc", without_memory())
WRAP(char *, realpath, (const char *path, char *resolved), (path, resolved), "run.path",
     without_memory())
WRAP(char *, getcwd, (char *buffer, size_t size), (buffer, size), "run.path", without_memory())
WRAP(char *, mkdtemp, (char *name), (name), "run.mkdtemp", without_memory())
WRAP(ssize_t, readlink, (const char *path, char *buffer, size_t size), (path, buffer, size),
     "run.path", failing(EACCES))
WRAP(ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size), "run.read",
     failing(EIO))
WRAP(ssize_t, pread, (int fd, void *buffer, size_t size, off_t at), (fd, buffer, size, at),
     "run.read", failing(EIO))
WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), "run.write",
     failing(EIO))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
     "run.recvmsg", failing(ENOMEM))
WRAP(int, pipe2, (int fd[2], int flags), (fd, flags), "run.pipe", failing(EMFILE))
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), "run.socket",
     failing(EMFILE))
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),
     "run.bind", failing(EACCES))
WRAP(int, listen, (int fd, int backlog), (fd, backlog), "run.listen", failing(EADDRINUSE))
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags), "run.accept", failing(EMFILE))
WRAP(int, epoll_create1, (int flags), (flags), "run.epoll", failing(EMFILE))
WRAP(int, epoll_ctl, (int fd, int operation, int other, struct epoll_event *event),
     (fd, operation, other, event), "run.epoll_ctl", failing(ENOSPC))
WRAP(int, epoll_wait, (int fd, struct epoll_event *events, int most, int timeout),
     (fd, events, most, timeout), "run.interrupt", failing(EINTR))
WRAP(int, signalfd, (int fd, const sigset_t *signals, int flags), (fd, signals, flags),
     "run.signalfd", failing(EMFILE))
WRAP(pid_t, fork, (void), (), "run.fork", failing(EAGAIN))
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), "run.interrupt",
     failing(EINTR))
WRAP(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]),
     (pid, path, actions, attributes, argv, envp), "run.spawn", EAGAIN)
