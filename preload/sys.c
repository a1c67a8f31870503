/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "arch.h"
#include "sandbox.h"

/* What it takes of stack is not to be in the caller's frame. */
static __attribute__((noinline)) long call_in_sandbox(long number, long a, long b, long c, long d,
                                                      long e, long f)
{
    const struct sandbox_call call = {number, {a, b, c, d, e, f}};
    const long refused = sandbox_ask(NULL, &call);
    return refused ? refused : arch_system_call(number, a, b, c, d, e, f);
}

long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    if (unlikely(atomic_load_explicit(&sandbox_on, memory_order_relaxed))) {
        return call_in_sandbox(number, a, b, c, d, e, f);
    }
    return arch_system_call(number, a, b, c, d, e, f);
}

long sys_call_of_program(long number, long a, long b, long c, long d, long e, long f)
{
    return arch_system_call(number, a, b, c, d, e, f);
}

void *sys_map(size_t size)
{
    long p = sys_call(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p < 0 && p > -4096 ? NULL : (void *)p;
}

void sys_prefer_huge(void *p, size_t size)
{
    sys_call(SYS_madvise, (long)p, (long)size, MADV_HUGEPAGE, 0, 0, 0);
}

void sys_unmap(void *p, size_t size)
{
    sys_call(SYS_munmap, (long)p, (long)size, 0, 0, 0, 0);
}

int sys_open(const char *path, int flags, int mode)
{
    return (int)sys_call(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

struct sys_identity sys_identify(int fd)
{
    struct stat status = {0};
    if (sys_stat(fd, "", &status, AT_EMPTY_PATH) != 0) {
        return (struct sys_identity){0};
    }
    return (struct sys_identity){.device = status.st_dev, .inode = status.st_ino};
}

static bool is_file(const struct stat *status, const struct sys_identity *identity)
{
    return !identity->inode ||
           (status->st_dev == identity->device && status->st_ino == identity->inode);
}

bool sys_is_still(int fd, const struct sys_identity *identity)
{
    struct stat status = {0};
    const int error = sys_stat(fd, "", &status, AT_EMPTY_PATH);
    return error ? error != -EBADF : is_file(&status, identity);
}

/* Below 64, for which every process has room from the beginning: the kernel would let all threads
 * wait while it makes more. */
#define ASIDE 56

int sys_open_aside(const char *path, int flags, int mode)
{
    const int fd = sys_open(path, flags, mode);
    if (fd < 0 || fd >= ASIDE) {
        return fd;
    }
    const int aside = (int)sys_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ASIDE, 0, 0, 0);
    if (aside < 0) {
        return aside == -EBADF ? aside : fd; /* a limit or a sandbox is against it */
    }
    const struct sys_identity identity = sys_identify(aside);
    struct stat status = {0};
    const int follow = flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
    if (sys_stat(AT_FDCWD, path, &status, follow) == 0 && !is_file(&status, &identity)) {
        sys_close(aside); /* which is the program's file twice */
        return -EBADF;
    }
    if (sys_is_still(fd, &identity)) {
        sys_close(fd);
    }
    return aside;
}

int sys_close(int fd)
{
    return (int)sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

ssize_t sys_read(int fd, void *buffer, size_t size)
{
    ssize_t n;
    do {
        n = sys_call(SYS_read, fd, (long)buffer, (long)size, 0, 0, 0);
    } while (n == -EINTR);
    return n;
}

int sys_write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = sys_call(SYS_write, fd, (long)p, (long)size, 0, 0, 0);
        if (n == -EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? (int)n : -EIO;
        }
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

ssize_t sys_read_file(const char *path, char *buffer, size_t size)
{
    int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    if (fd < 0) {
        return fd;
    }
    size_t length = 0;
    ssize_t n = 0;
    while (length < size - 1 && (n = sys_read(fd, buffer + length, size - 1 - length)) > 0) {
        length += (size_t)n;
    }
    sys_close(fd);
    buffer[length] = '\0';
    return n < 0 ? n : (ssize_t)length;
}

int sys_stat(int fd, const char *path, struct stat *status, int flags)
{
    return (int)sys_call(SYS_newfstatat, fd, (long)path, (long)status, flags, 0, 0);
}

int sys_pid(void)
{
    return (int)sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

int sys_tid(void)
{
    int tid = (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    if (unlikely(tid < 0)) {
        /* libc knows it, and writes it into locks of this kind. */
        pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
        pthread_mutex_lock(&lock);
        tid = lock.__data.__owner;
    }
    return tid;
}

/* Whether the word at ADDRESS can be read, by a system call that waits for it to change and does
 * not wait: for sandboxes that know of no signals. */
static bool readable_as_futex(uintptr_t address)
{
    static const struct timespec at_once;
    const long result = sys_call(SYS_futex, (long)(address & ~(uintptr_t)3), FUTEX_WAIT_PRIVATE, 0,
                                 (long)&at_once, 0, 0);
    return result == -EAGAIN || result == -ETIMEDOUT || result == -EINTR || result == 0;
}

bool sys_readable(uintptr_t address)
{
    if (address < 4096) {
        return false; /* never mapped; and no mask at all is no error */
    }
    /* The kernel reads the new mask before it looks at `how`, which is no valid one: EFAULT if the
     * address cannot be read, EINVAL if it can. No descriptor is needed. A sandbox may refuse. */
    const long result = sys_call(SYS_rt_sigprocmask, ~0L, (long)address, 0, 8, 0, 0);
    return result == -EINVAL || (result != -EFAULT && readable_as_futex(address));
}

bool sys_copy(void *to, uintptr_t address, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)address, size};
    long n = sys_call(SYS_process_vm_readv, sys_pid(), (long)&here, 1, (long)&there, 1, 0);
    if (n >= 0 || n == -EFAULT) {
        return n == (long)size;
    }
    for (uintptr_t page = address & ~(uintptr_t)4095; page < address + size; page += 4096) {
        if (!sys_readable(page)) {
            return false;
        }
    }
    memcpy(to, (const void *)address, size);
    return true;
}

static _Atomic sys_sigset blocked = ~(sys_sigset)0;

void sys_spare_faults(void)
{
    atomic_store(&blocked, ~((sys_sigset)1 << (SIGSEGV - 1) | (sys_sigset)1 << (SIGBUS - 1) |
                             (sys_sigset)1 << (SIGFPE - 1) | (sys_sigset)1 << (SIGILL - 1)));
}

sys_sigset sys_block_signals(void)
{
    sys_sigset all = atomic_load_explicit(&blocked, memory_order_relaxed), before = 0;
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, 8, 0, 0);
    return before;
}

bool sys_can_block_signals(void)
{
    static const struct sandbox_call block = {SYS_rt_sigprocmask, {SIG_SETMASK, 0, 0, 8}};
    return !atomic_load_explicit(&sandbox_on, memory_order_relaxed) ||
           sandbox_ask(NULL, &block) == 0;
}

void sys_restore_signals(sys_sigset before)
{
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, 8, 0, 0);
}

void sys_lock_masked(struct sys_lock *lock)
{
    int expected = 0;
    if (!atomic_compare_exchange_strong(&lock->state, &expected, 1)) {
        while (atomic_exchange(&lock->state, 2) != 0) {
            sys_call(SYS_futex, (long)&lock->state, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
        }
    }
}

sys_sigset sys_lock(struct sys_lock *lock)
{
    const sys_sigset before = sys_block_signals();
    sys_lock_masked(lock);
    return before;
}

bool sys_trylock(struct sys_lock *lock, sys_sigset *before)
{
    *before = sys_block_signals();
    int expected = 0;
    if (atomic_compare_exchange_strong(&lock->state, &expected, 1)) {
        return true;
    }
    sys_restore_signals(*before);
    return false;
}

void sys_unlock_masked(struct sys_lock *lock)
{
    if (atomic_exchange(&lock->state, 0) == 2) {
        sys_call(SYS_futex, (long)&lock->state, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }
}

void sys_unlock(struct sys_lock *lock, sys_sigset before)
{
    sys_unlock_masked(lock);
    sys_restore_signals(before);
}

void sys_sleep_ns(uint32_t ns)
{
    const struct timespec pause = {.tv_nsec = ns};
    sys_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
}

bool sys_lock_within(struct sys_lock *lock, unsigned wait_ms, sys_sigset *before)
{
    while (!sys_trylock(lock, before)) {
        if (wait_ms-- == 0) {
            return false;
        }
        sys_sleep_ns(1000000);
    }
    return true;
}

/* As the kernel has it: its set of signals is shorter than libc's. */
struct kernel_action {
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    sys_sigset mask;
};

uintptr_t sys_signal_handler(int number)
{
    struct kernel_action now = {0};
    sys_call(SYS_rt_sigaction, number, 0, (long)&now, sizeof now.mask, 0, 0);
    return now.handler;
}

void sys_signal_default(int number)
{
    const struct kernel_action usual = {.handler = (uintptr_t)SIG_DFL};
    sys_call(SYS_rt_sigaction, number, (long)&usual, 0, sizeof usual.mask, 0, 0);
}
