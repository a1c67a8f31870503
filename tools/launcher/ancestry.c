/* SPDX-License-Identifier: MIT */
#include "ancestry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_GENERATIONS 1000 /* process ids may be reused while we walk */

/* Parent of PID, or 0. */
static pid_t parent_of(pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    /* "PID (NAME) STATE PARENT ..": the name may hold anything, parentheses too. */
    const char *after = strrchr(text, ')');
    return after && strlen(after) > 4 ? (pid_t)strtol(after + 4, NULL, 10) : 0;
}

bool ancestry_has(pid_t pid, pid_t ancestor)
{
    for (int i = 0; pid > 1 && i < MAX_GENERATIONS; i++) {
        if (pid == ancestor)
            return true;
        pid = parent_of(pid);
    }
    return false;
}
