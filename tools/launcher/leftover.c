/* SPDX-License-Identifier: MIT */
#include "leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIQUE 6                      /* characters that mkdtemp puts in */
#define LOOKED_AT 10000               /* names in a place, at most: some have very many */
#define DEEPEST 4                     /* directories in a directory of ours */
#define ENVIRONMENT ((size_t)1 << 18) /* bytes that are read of one; more may hold anything */

/* No mkdtemp makes such a mode. It is set when the lock is held: without it a directory may be one
 * that is being made. */
#define MARK ((mode_t)(S_ISVTX | S_IRWXU))

int leftover_claim(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) || fchmod(fd, MARK))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_nobodys(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           (status.st_mode & 07777) == MARK && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Whether the environment of process PID has NAME somewhere. */
static bool is_told(const char *pid, const char *name)
{
    static char text[ENVIRONMENT];
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t n = 0;
    while (length < sizeof text && (n = read(fd, text + length, sizeof text - length)) > 0)
        length += (size_t)n;
    close(fd);
    return length == sizeof text || memmem(text, length, name, strlen(name)) != NULL;
}

/* Whether a process was told of the directory NAME, and may yet put something there. */
static bool is_in_use(const char *name)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    bool found = !processes;
    while (!found && (entry = readdir(processes)))
        found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_told(entry->d_name, name);
    if (processes)
        closedir(processes);
    return found;
}

/* Removes what is in the directory FD, which is closed. */
static void empty(int fd, int depth) /* NOLINT(misc-no-recursion): no deeper than DEEPEST */
{
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (unlinkat(fd, name, 0) == 0 || errno != EISDIR || depth == DEEPEST)
            continue;
        int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            empty(inner, depth + 1);
        unlinkat(fd, name, AT_REMOVEDIR);
    }
    closedir(directory);
}

void leftover_sweep(const char *place, const char *prefix)
{
    const size_t length = strlen(prefix);
    DIR *directory = opendir(place);
    const struct dirent *entry;
    for (int n = 0; directory && n < LOOKED_AT && (entry = readdir(directory)); n++) {
        const char *name = entry->d_name;
        if (strncmp(name, prefix, length) != 0 || strlen(name) != length + UNIQUE)
            continue;
        int fd = openat(dirfd(directory), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && is_nobodys(fd) && !is_in_use(name)) {
            /* By a further descriptor, so that the lock is held to the end. */
            int within = fcntl(fd, F_DUPFD_CLOEXEC, 0);
            if (within >= 0)
                empty(within, 0);
            unlinkat(dirfd(directory), name, AT_REMOVEDIR);
        }
        if (fd >= 0)
            close(fd);
    }
    if (directory)
        closedir(directory);
}
