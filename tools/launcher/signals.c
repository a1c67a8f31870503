/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include "ancestry.h"
#include "stopping.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void signals_block(struct signals *signals)
{
    sigset_t all;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    *signals = (struct signals){.source.fd = -1};
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &signals->mask);
    /* Where it is ignored, the kernel keeps no status of children. */
    sigaction(SIGCHLD, &usual, &signals->chld);
}

void signals_restore(const struct signals *signals)
{
    sigaction(SIGCHLD, &signals->chld, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

/* Signals that the terminal, or its end, sends to a whole process group. */
static bool is_of_terminal(int number)
{
    switch (number) {
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
    case SIGWINCH:
        return true;
    default:
        return false;
    }
}

/* When a terminal is hung up, the leader of its session alone is told. */
static bool is_for_leader(int number)
{
    return (number == SIGHUP || number == SIGCONT) && getsid(0) == getpid();
}

bool signals_to_forward(const struct signalfd_siginfo *info, pid_t program)
{
    if (info->ssi_code == SI_KERNEL)
        return is_of_terminal((int)info->ssi_signo) &&
               (getpgid(program) != getpgrp() || is_for_leader((int)info->ssi_signo));
    if (info->ssi_code != SI_USER && info->ssi_code != SI_TKILL && info->ssi_code != SI_QUEUE)
        return false; /* timers and the like of our own */
    if ((pid_t)info->ssi_pid == getpid())
        return false;
    /* The program, or what it has started, signals its whole process group. */
    return !ancestry_has((pid_t)info->ssi_pid, program);
}

static void forward(const struct signalfd_siginfo *info, pid_t program)
{
    if (info->ssi_code != SI_QUEUE) {
        kill(program, (int)info->ssi_signo);
        return;
    }
    /* With the value, and as from its sender. */
    siginfo_t queued = {.si_signo = (int)info->ssi_signo, .si_code = SI_QUEUE};
    queued.si_pid = (pid_t)info->ssi_pid;
    queued.si_uid = info->ssi_uid;
    queued.si_value.sival_ptr = (void *)(uintptr_t)info->ssi_ptr; /* the int is a part of it */
    syscall(SYS_rt_sigqueueinfo, program, info->ssi_signo, &queued);
}

static bool asks_to_end(int number)
{
    return number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM;
}

/* Takes note of every child that has ended, stopped or gone on. As the first process of a container
 * the launcher has others than its own. */
static void reap(struct signals *signals)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid != signals->program)
            continue;
        if (WIFSTOPPED(status)) {
            stopping_follow(WSTOPSIG(status));
        } else {
            signals->status = status;
            signals->program = 0;
            loop_stop(signals->loop);
        }
    }
}

static void on_signal(struct loop_source *source)
{
    struct signals *signals = (struct signals *)source;
    struct signalfd_siginfo info;
    if (read(source->fd, &info, sizeof info) != sizeof info)
        return;
    int number = (int)info.ssi_signo;
    bool for_program = signals_to_forward(&info, signals->program);
    if (asks_to_end(number) && !signals->ending && (for_program || info.ssi_code == SI_KERNEL))
        signals->ending = number;
    if (number == SIGINT && info.ssi_code == SI_KERNEL)
        signals->interrupted = true;
    if (signals->program && for_program)
        forward(&info, signals->program);
    if (number == SIGCHLD)
        reap(signals);
}

bool signals_interrupted(const struct signals *signals)
{
    if (!WIFSIGNALED(signals->status) || WTERMSIG(signals->status) != SIGINT)
        return false;
    /* The program may have got it, and died, before we got ours. */
    const struct timespec moment = {.tv_nsec = 50000000};
    sigset_t one;
    siginfo_t info;
    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    return signals->interrupted ||
           (sigtimedwait(&one, &info, &moment) == SIGINT && info.si_code == SI_KERNEL);
}

int signals_begin(struct signals *signals, struct loop *loop)
{
    sigset_t all;
    sigfillset(&all);
    signals->loop = loop;
    signals->source.ready = on_signal;
    signals->source.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->source.fd < 0 ? -1 : loop_watch(loop, &signals->source);
}

void signals_end(struct signals *signals)
{
    if (signals->source.fd >= 0)
        close(signals->source.fd);
    signals->source.fd = -1;
}

void signals_for(struct signals *signals, pid_t pid)
{
    signals->program = pid;
    signals->status = signals->ending = 0;
    signals->interrupted = false;
    reap(signals); /* it may have ended before, its signal merged with another child's */
}
