/* SPDX-License-Identifier: MIT */
#include "forks.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lifecycle.h"
#include "next.h"
#include "recorder.h"
#include "sys.h"

/* _Fork is there since glibc 2.34; who found ours before that gets a child, too. Looked up
 * beforehand: it may be called by handlers. */
static pid_t (*real_fork)(void);

static void before_fork(void)
{
    if (recorder_on(&recorder)) {
        recorder_before_fork(&recorder);
    }
}

static void after_fork(void)
{
    recorder_after_fork();
}

static void after_fork_in_child(void)
{
    if (recorder.alive) {
        recorder_in_child(&recorder);
        atomic_store(recorder.alive, 0); /* a kernel before 4.14 does not wipe it */
    }
}

void forks_resolve(void)
{
    void *found = dlsym(RTLD_NEXT, "_Fork");
    *(void **)&real_fork = found ? found : dlsym(RTLD_NEXT, "fork");
}

void forks_begin(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* Some children by clone have no thread-local storage: nothing of the recorder's is there. */
static bool has_state(void)
{
    return pthread_self() != 0;
}

void forks_before(void)
{
    if (has_state()) {
        const int saved = errno;
        before_fork();
        errno = saved;
    }
}

void forks_after(long result)
{
    if (has_state()) {
        const int saved = errno;
        if (result == 0) {
            after_fork_in_child();
        } else {
            after_fork();
        }
        errno = saved;
    }
}

bool forks_is_call(long number, const long *a)
{
    uint64_t flags = 0, stack = 0;
    if (number == SYS_clone) {
        flags = (uint64_t)a[0];
        stack = (uint64_t)a[1];
#ifdef SYS_clone3
    } else if (number == SYS_clone3 && (size_t)a[1] >= CLONE_ARGS_SIZE_VER0) {
        struct clone_args args;
        if (!sys_copy(&args, (uintptr_t)a[0], CLONE_ARGS_SIZE_VER0)) {
            return false;
        }
        flags = args.flags;
        stack = args.stack;
#endif
#ifdef SYS_fork
    } else if (number == SYS_fork) {
        return true;
#endif
    } else {
        return false;
    }
    return !(flags & (CLONE_VM | CLONE_SETTLS)) && stack == 0;
}

HOOK pid_t _Fork(void)
{
    if (!real_fork) {
        forks_resolve();
    }
    forks_before();
    const pid_t child = real_fork();
    forks_after(child);
    return child;
}
