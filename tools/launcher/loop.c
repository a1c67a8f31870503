/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>

int loop_begin(struct loop *loop)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll < 0 ? -1 : 0;
}

void loop_end(struct loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
    loop->epoll = -1;
}

int loop_watch(struct loop *loop, struct loop_source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event);
}

void loop_unwatch(struct loop *loop, struct loop_source *source)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped) {
        /* One at a time: what the callback does may end the life of another that is ready. */
        struct epoll_event event;
        if (epoll_wait(loop->epoll, &event, 1, -1) == 1) {
            struct loop_source *source = event.data.ptr;
            source->ready(source);
        }
    }
    loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
