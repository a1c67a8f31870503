/* SPDX-License-Identifier: MIT
 *
 * The launcher's event loop: file descriptors, and what to call when one of them can be read. It
 * owns an epoll descriptor, closed on exec; the descriptors it watches belong to whoever added
 * them. One thread, outside of signal handlers. Setting it up fails where descriptors have run out.
 */
#ifndef LAUNCHER_LOOP_H
#define LAUNCHER_LOOP_H

#include <stdbool.h>

/* Embedded in what it belongs to. */
struct loop_source {
    int fd;
    void (*ready)(struct loop_source *source); /* FD can be read, or was hung up */
};

struct loop {
    int epoll;
    bool stopped;
};

/* Returns 0, or -1 with errno set. */
int loop_begin(struct loop *loop);
void loop_end(struct loop *loop);

/* SOURCE must stay where it is until it is no longer watched. Returns 0, or -1 with errno set. */
int loop_watch(struct loop *loop, struct loop_source *source);

/* Before the descriptor is closed. Any callback may do this, for any source. */
void loop_unwatch(struct loop *loop, struct loop_source *source);

/* Calls back until somebody has called loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
