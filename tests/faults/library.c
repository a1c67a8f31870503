/* SPDX-License-Identifier: MIT
 *
 * What the library asks of the kernel, the loader and libc, made to fail: see plan.h. Linked into a
 * build of the library for tests, whose calls of dlopen and its like go to __wrap_ functions
 * (the linker's --wrap). The host's own calls are not touched.
 *
 * Not made to fail, for it cannot come to pass or leaves nothing to go on with: getpid, masking
 * signals, unmapping, ending the process, executing a program on the host's behalf, and finding the
 * functions of libc that are interposed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "system_call.h"
#include "wrap.h"
#undef arch_system_call

/* A system call, by number, and how it fails. */
static const struct kind {
    long number;
    const char *class_name;
    int error;
} kinds[] = {
    {SYS_mmap, "mmap", ENOMEM},
    {SYS_openat, "open", EMFILE},
    {SYS_read, "read", EIO},
    {SYS_pread64, "read", EIO},
    {SYS_write, "write", ENOSPC},
    {SYS_close, "close", EIO},
    {SYS_renameat2, "rename", EIO},
    {SYS_linkat, "rename", EIO},
    {SYS_unlinkat, "unlink", EACCES},
    {SYS_mkdirat, "mkdir", EACCES},
    {SYS_readlinkat, "readlink", EACCES},
    {SYS_getcwd, "getcwd", ENOENT},
    {SYS_newfstatat, "stat", EACCES},
    {SYS_prlimit64, "getrlimit", EPERM},
    {SYS_madvise, "madvise", EINVAL},
    {SYS_mincore, "mincore", ENOMEM},
    {SYS_membarrier, "membarrier", ENOSYS},
    {SYS_clock_gettime, "clock", EPERM},
    {SYS_nanosleep, "sleep", EINTR},
    {SYS_futex, "futex", EINTR},
    {SYS_ioctl, "ioctl", ENOTTY},
    {SYS_sigaltstack, "sigaltstack", EPERM},
    {SYS_rt_sigtimedwait, "sigtimedwait", EAGAIN},
};

/* Ways that are no failures, but no full success either. */
static bool falls_short(long number, long a, long b, long c, long *result)
{
    if ((number == SYS_read || number == SYS_write) && plan_fails("interrupt")) {
        *result = -EINTR;
        return true;
    }
    if ((number == SYS_read || number == SYS_write) && c > 1 && plan_fails("short")) {
        *result = arch_system_call(number, a, b, c / 2, 0, 0, 0);
        return true;
    }
    return false;
}

long faults_system_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].number == number && plan_fails(kinds[i].class_name)) {
            if (number == SYS_close) { /* says so, but the descriptor is gone */
                arch_system_call(number, a, 0, 0, 0, 0, 0);
            }
            return -kinds[i].error;
        }
    }
    return falls_short(number, a, b, c, &result) ? result
                                                 : arch_system_call(number, a, b, c, d, e, f);
}

WRAP(void *, dlopen, (const char *name, int flags), (name, flags), "dlopen", NULL)
WRAP(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void *)), (key, destroy),
     "pthread", EAGAIN)
WRAP(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value), "pthread",
     ENOMEM)
WRAP(int, pthread_atfork, (void (*before)(void), void (*parent)(void), void (*child)(void)),
     (before, parent, child), "pthread", ENOMEM)
WRAP(int, on_exit, (void (*function)(int, void *), void *arg), (function, arg), "exit", -1)
WRAP(int, at_quick_exit, (void (*function)(void)), (function), "exit", -1)
WRAP(int, sigaction, (int number, const struct sigaction *action, struct sigaction *old),
     (number, action, old), "sigaction", failing(EINVAL))
WRAP(int, mprotect, (void *p, size_t size, int protection), (p, size, protection), "mprotect",
     failing(ENOMEM))
WRAP(int, lstat, (const char *path, struct stat *status), (path, status), "stat", failing(EACCES))
WRAP(int, fstat, (int fd, struct stat *status), (fd, status), "stat", failing(EIO))
WRAP(int, getrlimit, (__rlimit_resource_t which, struct rlimit *limit), (which, limit), "getrlimit",
     failing(EPERM))
WRAP(int, dladdr1, (const void *address, Dl_info *info, void **extra, int flags),
     (address, info, extra, flags), "dladdr", 0)
WRAP(int, uname, (struct utsname * names), (names), "uname", failing(EFAULT))

void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);

void *__wrap_dlsym(void *handle, const char *name)
{
    if (handle != RTLD_NEXT && plan_fails("dlsym")) {
        return NULL;
    }
    return __real_dlsym(handle, name);
}
