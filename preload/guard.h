/* SPDX-License-Identifier: MIT
 *
 * The reentrancy guard, and all there is in thread-local storage: one small initial-exec struct
 * without a destructor. While a thread is inside the recorder, hooks that are entered again on it
 * (by the unwinder, the loader, or a signal handler) must not record.
 *
 * A handler may leave the recorder by longjmp. The guard therefore remembers the frame that
 * entered: a hook whose frame is not further in on the same stack proves that frame gone, and so
 * does a stack between the two on which nothing of ours waits to be gone on with.
 */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct alternate;
struct known;
struct sampler_meter;
struct thread;
struct vault_copy;

/* What a fork of this thread hands on to the child: see recorder_before_fork. */
struct guard_fork {
    struct vault_copy *copy;         /* the last of those that this thread has made; NULL: none */
    uint64_t live_count, live_bytes; /* if `valid` */
    bool valid;
};

struct guard_tls {
    struct thread *thread;       /* this thread's state, NULL before the first record */
    struct thread *quick;        /* the same where its events may go the short way; see hook.h */
    struct sampler_meter *meter; /* see sampler.h; NULL: none */
    struct thread *at;           /* of an event that goes on in a second function: hook.h */
    const struct known *found;   /* the same: the stack */
    uintptr_t frame;             /* of the hook that is inside the recorder; 0: none */
    uintptr_t passing;           /* of a hook whose real function calls another one; 0: none */
    bool resolving;              /* see real.h */
    bool internal;               /* inside a call of libc's that allocates for us */
    bool nested;                 /* set by a hook that was entered inside the recorder */
    bool masked;                 /* inside roomy_call: all signals are blocked */
    bool exited;                 /* the state was given back: the thread is past its destructors */
    struct alternate *alternate; /* see alternate.h; NULL: this thread was given none */
    struct guard_fork fork;      /* that is going on */
};

extern __thread struct guard_tls guard_tls
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The frame of code of ours that calls what may call hooks: all of theirs are further in. */
#define GUARD_HERE ((uintptr_t)__builtin_frame_address(0) + 1)

/* Whether ADDRESS is in this library's code. */
bool guard_is_ours(uintptr_t address);

/* Whether the hook that was entered at the frame ENTERED was left by a longjmp. FRAME: of the one
 * that asks. */
bool guard_is_gone(uintptr_t entered, uintptr_t frame);

/* The same of the hook that has taken the guard; what it had set is set back. */
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
