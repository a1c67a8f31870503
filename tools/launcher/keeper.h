/* SPDX-License-Identifier: MIT
 *
 * Keeps the state of every recorded process, so that a dump is there even of one that was killed.
 * Each process hands over, by a unix socket in a private directory, the file that its counts live
 * in (preload/vault.h). When the process has ended without its last dump, a helper (rescue.h)
 * writes it. Whoever the processes descend from: their end is told by a pidfd.
 *
 * Owns the directory, the socket, and for each process the file and the pidfd. One thread; works
 * from callbacks of the loop until keeper_end. Processes that outlive the program are let go.
 * Where it cannot be had programs are recorded as without a launcher.
 */
#ifndef LAUNCHER_KEEPER_H
#define LAUNCHER_KEEPER_H

#include "loop.h"
#include "rescue.h"

#include <stdbool.h>
#include <sys/un.h>

struct ward;

struct keeper {
    struct loop_source source; /* the socket; first: found by the loop's callback */
    struct loop *loop;
    struct ward *wards;
    struct rescues rescues;
    char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* of the socket */
    int claim;                                                 /* see leftover.h; -1: none */
    size_t most, kept; /* how many processes there is room for, and are kept */
    bool waiting;      /* for one of these to end: no more can be taken in */
};

/* Begins to take processes in. Returns 0, or -1 if it cannot: then there is nothing to end. */
int keeper_begin(struct keeper *keeper, struct loop *loop);

/* The program has ended: writes what is to be written of processes that have ended, too, or do so
 * now, waits until that is done, and removes the directory. */
void keeper_end(struct keeper *keeper);

#endif
