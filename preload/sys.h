/* SPDX-License-Identifier: MIT
 *
 * The few things the library needs from the kernel and the compiler, in one place: branch hints,
 * raw system calls that bypass other interposers, and a lock that a signal handler cannot deadlock
 * on. Safe on any thread, in a signal handler, and before libc is initialised.
 */
#ifndef PRELOAD_SYS_H
#define PRELOAD_SYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* System calls without libc's wrappers: no cancellation point, no errno, nobody else's hook. They
 * return what the kernel returns: a negative errno on failure. In a sandbox (sandbox.h) those that
 * it does not allow fail without being made. */
long sys_call(long number, long a, long b, long c, long d, long e, long f);
/* The same for a call that the program makes by way of us: its own affair in any sandbox. */
long sys_call_of_program(long number, long a, long b, long c, long d, long e, long f);
void *sys_map(size_t size); /* anonymous, private, zeroed; NULL on failure */
void sys_unmap(void *p, size_t size);
void sys_prefer_huge(void *p, size_t size); /* asks for huge pages there; may come to nothing */
int sys_open(const char *path, int flags, int mode);
/* The same at a number that programs seldom come to: for what is open for longer than a moment,
 * while other threads close whatever there is and open files that then have the lowest numbers.
 * -EBADF: that has happened already. */
int sys_open_aside(const char *path, int flags, int mode);
int sys_close(int fd);
ssize_t sys_read(int fd, void *buffer, size_t size);
/* Writes all SIZE bytes, across EINTR and short writes. Returns 0 or a negative errno. */
int sys_write_all(int fd, const void *data, size_t size);
/* Reads a whole small file, NUL-terminated. Returns its length, cut to SIZE - 1, or -errno. */
ssize_t sys_read_file(const char *path, char *buffer, size_t size);
/* As newfstatat: returns 0 or a negative errno. */
struct stat;
int sys_stat(int fd, const char *path, struct stat *status, int flags);
/* Which file a descriptor is of, to tell whether its number is another's by now. */
struct sys_identity {
    uint64_t device, inode; /* inode 0: not known */
};
struct sys_identity sys_identify(int fd);
/* False only if it is closed or another file; true where nobody can tell. */
bool sys_is_still(int fd, const struct sys_identity *identity);
int sys_pid(void); /* negative where a sandbox does not allow the question */
int sys_tid(void);

/* Whether the word at ADDRESS can be read, found out without touching it. */
bool sys_readable(uintptr_t address);

/* Copies SIZE bytes from ADDRESS, which another thread may be unmapping. Returns false if not all
 * of them are there. Where the kernel does not offer that it is a plain copy of what can be read.
 */
bool sys_copy(void *to, uintptr_t address, size_t size);

/* A set of blocked signals, as rt_sigprocmask has it. */
typedef uint64_t sys_sigset;
sys_sigset sys_block_signals(void); /* all of them; returns those blocked before */
bool sys_can_block_signals(void);   /* or a sandbox forbids it: they are blocked in name alone */
void sys_restore_signals(sys_sigset before);
/* From now on a fault is none of them: the process ends, and one of ours must be noticed. */
void sys_spare_faults(void);

/* Taken with all signals blocked, so that neither a handler of this thread nor an asynchronous
 * cancellation can find it held by the code it interrupted. Zero-initialised is unlocked. */
struct sys_lock {
    _Atomic int state; /* 0 free, 1 held, 2 held with waiters */
};
sys_sigset sys_lock(struct sys_lock *lock);
void sys_unlock(struct sys_lock *lock, sys_sigset before);
/* The same where all signals are blocked already. */
void sys_lock_masked(struct sys_lock *lock);
void sys_unlock_masked(struct sys_lock *lock);
/* Returns false, having changed nothing, if the lock is held. */
bool sys_trylock(struct sys_lock *lock, sys_sigset *before);
/* The same if it is still held after WAIT_MS, for those who would rather go without than wait for
 * a thread that may never go on. */
bool sys_lock_within(struct sys_lock *lock, unsigned wait_ms, sys_sigset *before);
void sys_sleep_ns(uint32_t ns); /* below a second; may be cut short by a signal */

/* What the kernel has as the handler of signal NUMBER, SIG_DFL and SIG_IGN among the values,
 * whatever hooks of sigaction make of it; and the default handler set. */
uintptr_t sys_signal_handler(int number);
void sys_signal_default(int number);

#endif
