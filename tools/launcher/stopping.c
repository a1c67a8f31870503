/* SPDX-License-Identifier: MIT */
#include "stopping.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

/* Whether a stop by NUMBER is one that a shell is to see. SIGSTOP sent by hand to the program alone
 * is no reason to stop in the background, where nobody would notice. */
static bool is_for_shell(int number)
{
    int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool foreground = tcgetpgrp(fd) == getpgrp();
    close(fd);
    return number != SIGSTOP || foreground;
}

void stopping_follow(int number)
{
    if (!is_for_shell(number))
        return;
    struct sigaction usual = {.sa_handler = SIG_DFL}, before;
    sigset_t one;
    if (number == SIGSTOP) {
        raise(SIGSTOP);
        return;
    }
    sigemptyset(&one);
    sigaddset(&one, number);
    sigaction(number, &usual, &before);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* stops here */
    sigprocmask(SIG_BLOCK, &one, NULL);
    sigaction(number, &before, NULL);
}
