/* SPDX-License-Identifier: MIT
 *
 * Between the parts of the warden (warden.h): its process (warden_process.c), what that reads of
 * /proc (warden_proc.c), and the process that writes (warden_write.c). Run in these processes
 * alone, on one thread, but for what is said otherwise. System calls are raw: what libc knows of
 * threads and locks is the program's.
 */
#ifndef PRELOAD_WARDEN_PARTS_H
#define PRELOAD_WARDEN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "outfile.h"
#include "recorder.h"

/* The warden's process, on a stack of its own; PID is the program's. */
_Noreturn void warden_run(struct recorder *r, int pid);

/* One process starts another as a copy of itself, of which nobody is told when it ends. Returns as
 * fork(2), or a negative errno. Also in the program. */
long warden_clone(void);

/* Ends process PID, a child, and reaps it. */
void warden_kill(int pid);

/* Where the file is that the writing process has opened, shared by it and the warden. */
struct warden_handover {
    struct outfile file;
    bool written; /* it is whole */
};

/* The writing process: REASON and REPLACED as in a dump's request. With PLACE it also puts the file
 * into its place. */
struct warden_order {
    const char *reason;
    bool replaced, place;
};
_Noreturn void warden_write(struct recorder *r, const struct warden_order *order,
                            struct warden_handover *handover);

/* One line of /proc/PID/maps. */
struct warden_area {
    uintptr_t start, end;
    bool writable, shared, file;
    const char *name; /* "" if there is none */
};
/* Calls VISIT for each area of process PID, 0: this one, until it returns false. Returns false if
 * they cannot be read. */
bool warden_areas(int pid, bool (*visit)(const struct warden_area *area, void *arg), void *arg);

/* A sum over what process PID may do: its user, groups, capabilities, and sandbox; 0: it cannot be
 * read. */
uint64_t warden_rights(int pid);

/* Gives up what memory of the program the process has a copy of and will not need; KEEP is in what
 * must stay. */
void warden_shed(uintptr_t keep);

/* Whether a child made now would be in the namespace of processes that this one is in. Also in the
 * program. */
bool warden_would_be_near(void);

#endif
