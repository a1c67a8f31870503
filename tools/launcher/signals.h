/* SPDX-License-Identifier: MIT
 *
 * Signals of the launcher. All are blocked and read from a descriptor; dispositions stay as they
 * were, so that what is ignored (nohup) stays ignored. A signal is passed on to the program unless
 * it has got it itself: the launcher is in the program's process group, to which the terminal sends
 * ^C, ^Z and changes of size. When the program is stopped from the terminal, the launcher stops
 * too, so that the shell sees it.
 */
#ifndef LAUNCHER_SIGNALS_H
#define LAUNCHER_SIGNALS_H

#include "loop.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

struct signals {
    struct loop_source source; /* first: found by the loop's callback */
    struct loop *loop;
    sigset_t mask;         /* as the launcher was started */
    struct sigaction chld; /* the same */
    pid_t program;         /* 0: none runs */
    int status;            /* of waitpid(2), once the program has ended */
    int ending;            /* the first signal by which somebody else asked it to end; 0: none */
    bool interrupted;      /* the terminal sent SIGINT */
};

/* Blocks all signals and remembers how they were. Before anything else of the launcher. */
void signals_block(struct signals *signals);

/* Undoes that: in a child before exec, or before the launcher becomes the program. */
void signals_restore(const struct signals *signals);

/* Begins to read signals in LOOP. Returns 0, or -1 with errno set. */
int signals_begin(struct signals *signals, struct loop *loop);
void signals_end(struct signals *signals);

/* From now on signals are for PID, a child; the loop is stopped when it has ended. */
void signals_for(struct signals *signals, pid_t pid);

/* Whether the terminal's SIGINT was what ended the program. */
bool signals_interrupted(const struct signals *signals);

/* Whether PROGRAM is to be sent the signal INFO, that the launcher has got. */
bool signals_to_forward(const struct signalfd_siginfo *info, pid_t program);

#endif
