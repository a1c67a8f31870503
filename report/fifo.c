/* SPDX-License-Identifier: MIT */
#include "fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 10000000L

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

int fifo_open_to_write(const char *path)
{
    const time_t end = now() + FIFO_PATIENCE;
    int fd;
    /* Opened otherwise it would wait for its reader for ever; and nothing tells when one comes. */
    while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && errno == ENXIO &&
           now() < end)
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    if (fd >= 0 && fcntl(fd, F_SETFL, O_WRONLY)) {
        close(fd);
        return -1;
    }
    return fd;
}
