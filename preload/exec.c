/* SPDX-License-Identifier: MIT
 *
 * The interposed functions by which a program goes out of our sight: exec, _exit, daemon, seccomp.
 * A dump before, the real call, and if an exec fails the dump is withdrawn. None of them allocates,
 * for they may be called between vfork and exec.
 *
 * Environments are passed on as they are, but where MEMPROF_FOLLOW keeps executed programs from
 * being recorded: these find MEMPROF_ENABLE=0 in theirs.
 */
#include <alloca.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coverage.h"
#include "forks.h"
#include "lifecycle.h"
#include "next.h"
#include "sys.h"
#include "warden.h"

static size_t count(char *const *list)
{
    size_t n = 0;
    while (list && list[n]) {
        n++;
    }
    return n;
}

/* ENVP with MEMPROF_ENABLE=0, in COPY, which has room for two more entries. */
static char *const *disabled(char *const *envp, char **copy)
{
    static char off[] = "MEMPROF_ENABLE=0";
    size_t n = 0;
    for (size_t i = 0; envp && envp[i]; i++) {
        if (strncmp(envp[i], off, sizeof off - 2) != 0) {
            copy[n++] = envp[i];
        }
    }
    copy[n++] = off;
    copy[n] = NULL;
    return copy;
}

/* The environment for the program: ENVP itself, or a changed copy on the caller's stack. */
#define FOLLOWED(envp)                                                                             \
    (lifecycle_follows_exec() ? (envp)                                                             \
                              : disabled((envp), alloca((count(envp) + 2) * sizeof(char *))))

/* The program at PATH is going to be executed; NULL: it is looked for elsewhere. */
static void note_static(const char *path)
{
    if (path && recorder_on(&recorder) && coverage_is_static_program(path)) {
        coverage_note_static(path);
    }
}

static void before(struct lifecycle_exec *e, const char *path)
{
    note_static(path);
    lifecycle_before_exec(e);
}

static int failed(const struct lifecycle_exec *e, int result)
{
    lifecycle_exec_failed(e);
    return result;
}

/* What a system call returned, as libc's functions tell it. Who has no thread-local storage, as
 * some children by clone, has no errno. */
static long told(long result)
{
    if (result >= 0 || result <= -4096) {
        return result;
    }
    if (pthread_self() != 0) {
        errno = (int)-result;
    }
    return -1;
}

/* No hook calls another by its exported name, which may be the program's. */
static int own_execve(const char *path, char *const argv[], char *const envp[])
{
    REAL(execve)
    struct lifecycle_exec e;
    before(&e, path);
    return failed(&e, real_execve(path, argv, FOLLOWED(envp)));
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
    return own_execve(path, argv, envp);
}

HOOK int execv(const char *path, char *const argv[])
{
    return own_execve(path, argv, environ);
}

static int own_execvpe(const char *file, char *const argv[], char *const envp[])
{
    REAL(execvpe)
    struct lifecycle_exec e;
    before(&e, strchr(file, '/') ? file : NULL);
    return failed(&e, real_execvpe(file, argv, FOLLOWED(envp)));
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return own_execvpe(file, argv, envp);
}

HOOK int execvp(const char *file, char *const argv[])
{
    return own_execvpe(file, argv, environ);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
    REAL(fexecve)
    struct lifecycle_exec e;
    before(&e, NULL);
    return failed(&e, real_fexecve(fd, argv, FOLLOWED(envp)));
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    struct lifecycle_exec e;
    before(&e, NULL);
    long result = sys_call_of_program(SYS_execveat, fd, (long)path, (long)argv,
                                      (long)FOLLOWED(envp), flags, 0);
    return failed(&e, (int)told(result));
}

/* Gathers the arguments after FIRST, up to the NULL, from the variable ones of the caller. */
#define GATHER(argv, first, list)                                                                  \
    size_t n_##argv = 1;                                                                           \
    va_start(list, first);                                                                         \
    while (va_arg(list, char *)) {                                                                 \
        n_##argv++;                                                                                \
    }                                                                                              \
    va_end(list);                                                                                  \
    char **argv = alloca((n_##argv + 1) * sizeof *argv);                                           \
    argv[0] = (char *)(uintptr_t)(first);                                                          \
    va_start(list, first);                                                                         \
    for (size_t i = 1; i <= n_##argv; i++) {                                                       \
        argv[i] = va_arg(list, char *);                                                            \
    }

HOOK int execl(const char *path, const char *arg, ...)
{
    va_list list;
    GATHER(argv, arg, list)
    va_end(list);
    return own_execve(path, argv, environ);
}

HOOK int execlp(const char *file, const char *arg, ...)
{
    va_list list;
    GATHER(argv, arg, list)
    va_end(list);
    return own_execvpe(file, argv, environ);
}

HOOK int execle(const char *path, const char *arg, ...)
{
    va_list list;
    GATHER(argv, arg, list)
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return own_execve(path, argv, envp);
}

/* Here only for MEMPROF_FOLLOW: the parent lives on. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    REAL(posix_spawn)
    note_static(path);
    return real_posix_spawn(pid, path, actions, attributes, argv, FOLLOWED(envp));
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    REAL(posix_spawnp)
    note_static(strchr(file, '/') ? file : NULL);
    return real_posix_spawnp(pid, file, actions, attributes, argv, FOLLOWED(envp));
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* Its parent ends by an _exit inside libc, where no hook sees it: the dump is written before. */
HOOK int daemon(int nochdir, int noclose)
{
    REAL(daemon)
    lifecycle_snapshot();
    return real_daemon(nochdir, noclose);
}

/* A sandbox (seccomp) may end the process at the first system call that it does not expect: see
 * lifecycle_sandbox.c. */
static bool enters_sandbox(long number, long a, long b)
{
    return (number == SYS_seccomp &&
            (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER)) ||
           (number == SYS_prctl && a == PR_SET_SECCOMP && b != SECCOMP_MODE_DISABLED);
}

/* A positive result is a descriptor, or the thread that could not be put into the sandbox. */
static bool is_listener(long number, long flags)
{
    return number == SYS_seccomp && ((uint64_t)flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static long sandbox_call(long number, const long *a)
{
    bool entering = enters_sandbox(number, a[0], a[1]);
    if (number == SYS_exit_group) {
        lifecycle_exit();
    }
    if ((number == SYS_wait4 && (int)a[0] == -1 && ((unsigned)a[2] & (__WALL | __WCLONE))) ||
        (number == SYS_waitid && a[0] == P_ALL && ((unsigned)a[3] & (__WALL | __WCLONE)))) {
        warden_dismiss(&recorder);
    }
    struct lifecycle_sandbox sandbox;
    if (entering) {
        const bool strict =
            number == SYS_seccomp ? a[0] == SECCOMP_SET_MODE_STRICT : a[1] == SECCOMP_MODE_STRICT;
        lifecycle_enter_sandbox(&sandbox, strict ? NULL : (const void *)a[2]);
    }
    const bool forking = forks_is_call(number, a);
    if (forking) {
        forks_before();
    }
    long result = sys_call_of_program(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (forking) {
        forks_after(result);
    }
    if (entering) {
        lifecycle_sandboxed(&sandbox, result == 0 || (result > 0 && is_listener(number, a[1])));
    }
    return told(result);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
HOOK long syscall(long number, ...)
{
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(list, long); /* NOLINT(clang-analyzer-valist.Uninitialized): it is started */
    }
    va_end(list);
    return sandbox_call(number, a);
}

HOOK int prctl(int option, ...)
{
    long a[6] = {option};
    va_list list;
    va_start(list, option);
    for (int i = 1; i < 5; i++) {
        a[i] = va_arg(list, long); /* NOLINT(clang-analyzer-valist.Uninitialized): it is started */
    }
    va_end(list);
    return (int)sandbox_call(SYS_prctl, a);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static __attribute__((noreturn)) void own_exit(int status)
{
    lifecycle_exit();
    for (;;) {
        sys_call_of_program(SYS_exit_group, status, 0, 0, 0, 0, 0);
    }
}

HOOK __attribute__((noreturn)) void _exit(int status)
{
    own_exit(status);
}

HOOK __attribute__((noreturn)) void _Exit(int status)
{
    own_exit(status);
}
