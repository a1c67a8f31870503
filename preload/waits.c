/* SPDX-License-Identifier: MIT
 *
 * The interposed functions that wait for children. Those that ask for children of any kind, as
 * tracers do, would find the warden (warden.h), and wait for it: it goes before. All else is passed
 * on. May be called in signal handlers, so the real functions are looked up when the program
 * starts.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "next.h"
#include "warden.h"

static struct {
    __typeof__(&waitpid) waitpid;
    __typeof__(&wait3) wait3;
    __typeof__(&wait4) wait4;
    __typeof__(&waitid) waitid;
} next;

__attribute__((constructor)) static void look_up(void)
{
    if (!next.waitid) {
        *(void **)&next.waitpid = dlsym(RTLD_NEXT, "waitpid");
        *(void **)&next.wait3 = dlsym(RTLD_NEXT, "wait3");
        *(void **)&next.wait4 = dlsym(RTLD_NEXT, "wait4");
        *(void **)&next.waitid = dlsym(RTLD_NEXT, "waitid");
    }
}

static void before(bool any, int options)
{
    look_up();
    if (any && ((unsigned)options & (__WALL | __WCLONE)) != 0) {
        warden_dismiss(&recorder);
    }
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
HOOK pid_t waitpid(pid_t pid, int *status, int options)
{
    before(pid == -1, options);
    return next.waitpid(pid, status, options);
}

HOOK pid_t wait3(int *status, int options, struct rusage *usage)
{
    before(true, options);
    return next.wait3(status, options, usage);
}

HOOK pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    before(pid == -1, options);
    return next.wait4(pid, status, options, usage);
}

HOOK int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    before(type == P_ALL, options);
    return next.waitid(type, id, info, options);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
