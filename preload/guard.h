/* SPDX-License-Identifier: MIT
 *
 * The reentrancy guard, and all there is in thread-local storage: one small initial-exec struct
 * without a destructor. While a thread is inside the recorder, hooks that are entered again on it
 * (by the unwinder, the loader, or a signal handler) must not record.
 *
 * A handler may leave the recorder by longjmp. The guard therefore remembers the frame that
 * entered: a hook whose frame is further out on the same stack proves that frame gone.
 */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct alternate;
struct sampler_meter;
struct thread;

struct guard_tls {
    struct thread *thread;       /* this thread's state, NULL before the first record */
    struct sampler_meter *meter; /* see sampler.h; NULL: none */
    uintptr_t frame;             /* of the hook that is inside the recorder; 0: none */
    bool resolving;              /* see real.h */
    bool passing;                /* inside a real function that calls another hooked one */
    bool internal;               /* inside a call of libc's that allocates for us */
    bool nested;                 /* set by a hook that was entered inside the recorder */
    bool exited;                 /* the state was given back: the thread is past its destructors */
    struct alternate *alternate; /* see alternate.h; NULL: this thread was given none */
};

extern __thread struct guard_tls guard_tls
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Whether the guard was left behind by a longjmp. FRAME: of the hook that finds it taken. */
bool guard_is_stale(uintptr_t frame);

/* Returns false if this thread is inside the recorder already. */
static inline bool guard_enter(uintptr_t frame)
{
    if (__builtin_expect(guard_tls.frame != 0, 0) && !guard_is_stale(frame)) {
        return false;
    }
    guard_tls.frame = frame;
    __asm__ volatile("" ::: "memory");
    return true;
}

static inline void guard_leave(void)
{
    __asm__ volatile("" ::: "memory");
    guard_tls.frame = 0;
}

#endif
