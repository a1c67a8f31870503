/* SPDX-License-Identifier: MIT
 *
 * Makes whole what a thread was counting when a signal handler left the recorder by longjmp, or
 * when it was cancelled there: an event of which some counters know and others do not. It is taken
 * back as if it had not begun; what it was about is lost to the program as well.
 *
 * What a thread counts for all its sites (share.live, live_count) changes after what a site's shard
 * counts, so that the difference of the two is what the event has changed so far. A shard whose
 * version is odd was left in the middle; where none is, the event was complete for its site, and
 * what the thread counts catches up.
 */
#ifndef PRELOAD_MEND_H
#define PRELOAD_MEND_H

#include "recorder.h"

/* For the calling thread, whose state is T, with nothing of it being counted. Takes a walk over all
 * its shards: once for each jump out of the recorder, no more. */
void mend_thread(struct recorder *r, struct thread *t);

/* Takes an event out of S that has made its live bytes more by BYTES and its live blocks by COUNT
 * so far (fewer: wrapped). */
void mend_take_back(struct shard *s, uint64_t count, uint64_t bytes);

#endif
