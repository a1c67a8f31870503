/* SPDX-License-Identifier: MIT
 *
 * The dump of a process that was killed, or that is idle, from its vault (vault.h). Runs in a
 * process of its own, which the launcher or the warden starts for it and which does nothing else:
 * what the vault holds may have been scribbled over by the program, so all that a dump follows is
 * checked first, and should something slip through, the harm is this process's alone. One thread;
 * no other recorder in use. The launcher has a file (salvage_file.c), the warden (warden_write.c)
 * the same memory as the process.
 *
 * A process stops between any two instructions of each of its threads. What that leaves half done,
 * and how it is made whole (salvage_mend.c):
 *
 * - A thread was counting an event: its shard's version is odd, and some of the counters have
 *   changed. What the thread counts after all its shards (share.live, live_count) has not: so the
 *   sums over its shards less these are what the event has changed so far, and that is taken back.
 *   The event counts as not begun. Once the version is even, it counts.
 * - The peak was raised, but not yet its epoch, or the total has passed the peak since: the peak is
 *   raised to the total as before a free.
 * - A frame, site or module was being entered: nothing refers to it yet, and it is left out.
 * - Rows of the timeline were being thinned out: rows that go back in time are left out.
 * - A thread's figures were being moved to those of threads that ended: one of the two is left out.
 *
 * If a thread stopped in more than one event (signal handlers that left the recorder by longjmp),
 * they cannot be told apart: all of them count as they are, and the dump is not `complete`.
 */
#ifndef PRELOAD_SALVAGE_H
#define PRELOAD_SALVAGE_H

#include <stdbool.h>

#include "outfile.h"
#include "recorder.h"

enum salvage_result {
    SALVAGE_DONE,
    SALVAGE_NOTHING, /* the process wrote its last dump itself, or counted nothing */
    SALVAGE_FAILED,  /* the dump could not be written; said so */
    SALVAGE_CLASH,   /* addresses of the process are in use here: try again in another process */
    SALVAGE_DAMAGED,
    SALVAGE_SPILT, /* not all is in the vault: see VAULT_SPILT */
    SALVAGE_OTHER, /* not a vault of this build */
};

/* Writes the dump from the vault in FD into the empty recorder R, and from there to where the
 * process would have. REPLACED: its image was replaced by another, whose dump has the plain name.
 */
enum salvage_result salvage_dump(struct recorder *r, int fd, bool replaced);

/* How the dump is to be: see struct dump_request. */
struct salvage_request {
    const char *reason;
    bool replaced;
    uint64_t vault_bytes, rss_bytes; /* what the vault and the process take; 0: not known */
    bool watched;                    /* by the warden, of whom the program's user hears nothing */
    struct outfile *names;           /* NULL: the file is put into place at once */
};

struct salvage_map;

/* The same of a vault that is mapped as M tells. H is a copy of its header, and R has one of its
 * section. */
enum salvage_result salvage_mapped(struct recorder *r, struct vault_header *h,
                                   const struct salvage_map *m, const struct salvage_request *q);

#endif
