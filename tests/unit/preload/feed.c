/* SPDX-License-Identifier: MIT */
#include "feed.h"

#include "support.h"

_Atomic uintptr_t feed_ip[FEED_PLACES];

struct event {
    struct recorder *r;
    int place;
    enum site_function function;
    uintptr_t address; /* 0: the call failed */
    uint64_t size;
    bool reallocated, done;
};

static __attribute__((noinline)) void hook(struct event *e)
{
    const struct stack_start start = SUPPORT_CALLER;
    atomic_store(&feed_ip[e->place], start.ip);
    if (!guard_enter(start.sp)) {
        return;
    }
    struct thread *t = recorder_thread(e->r);
    e->done = t != NULL;
    if (t && e->address) {
        recorder_alloc(e->r, t, e->function, e->address, e->size, &start, e->reallocated);
    } else if (t) {
        recorder_failed(e->r, t, e->function, e->size, &start);
    }
    guard_leave();
}

#define PLACE(n)                                                                                   \
    static __attribute__((noinline)) void place_##n(struct event *e)                               \
    {                                                                                              \
        e->place = n; /* no two places are alike, or they would be one */                          \
        hook(e);                                                                                   \
        __asm__ volatile("" ::: "memory");                                                         \
    }
PLACE(0)
PLACE(1)
PLACE(2)
PLACE(3)
PLACE(4)
PLACE(5)

static bool feed(struct event *e)
{
    static void (*const places[FEED_PLACES])(struct event *) = {place_0, place_1, place_2,
                                                                place_3, place_4, place_5};
    places[e->place](e);
    return e->done;
}

bool feed_alloc(struct recorder *r, int place, enum site_function function, uintptr_t address,
                uint64_t size)
{
    struct event e = {r, place, function, address, size, false, false};
    return feed(&e);
}

bool feed_failure(struct recorder *r, int place, enum site_function function)
{
    struct event e = {r, place, function, 0, 0, false, false};
    return feed(&e);
}

bool feed_free(struct recorder *r, uintptr_t address)
{
    if (!guard_enter((uintptr_t)__builtin_dwarf_cfa())) {
        return false;
    }
    struct thread *t = recorder_thread(r);
    if (t) {
        struct weighted_block block;
        bool known = recorder_take(r, t, address, &block);
        recorder_freed(r, t, address, &block, known);
    }
    guard_leave();
    return t != NULL;
}

bool feed_realloc(struct recorder *r, int place, uintptr_t from, uintptr_t to, uint64_t size,
                  bool fails)
{
    if (!guard_enter((uintptr_t)__builtin_dwarf_cfa())) {
        return false;
    }
    struct thread *t = recorder_thread(r);
    if (t) {
        struct weighted_block block;
        bool known = recorder_take(r, t, from, &block);
        if (!fails) {
            recorder_freed(r, t, from, &block, known);
        } else if (known) {
            recorder_put_back(r, t, from, &block);
        }
    }
    guard_leave();
    struct event e = {r, place, SITE_realloc, fails ? 0 : to, size, true, false};
    return feed(&e) && t;
}
