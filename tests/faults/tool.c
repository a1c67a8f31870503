/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a tool for tests: its allocations and system calls are made to fail as plan.h
 * says, from our constructor on. Allocations are interposed; system calls, those inside libc
 * included, are trapped by a seccomp filter and made by the handler of SIGSYS, from this library's
 * own code, which the filter lets pass. Not for programs that execute others or block SIGSYS.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch.h"
#include "plan.h"

/* glibc's own names of its allocator. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static bool ready;

static void *allocated(bool fails, void *p)
{
    if (fails) {
        errno = ENOMEM;
    }
    return p;
}

void *malloc(size_t size)
{
    bool fails = ready && plan_fails("malloc");
    return allocated(fails, fails ? NULL : __libc_malloc(size));
}

void *calloc(size_t nmemb, size_t size)
{
    bool fails = ready && plan_fails("malloc");
    return allocated(fails, fails ? NULL : __libc_calloc(nmemb, size));
}

void *realloc(void *ptr, size_t size)
{
    bool fails = ready && plan_fails("malloc");
    return allocated(fails, fails ? NULL : __libc_realloc(ptr, size));
}

/* A system call, by number, and how it fails. */
static const struct kind {
    long number;
    const char *class_name;
    int error;
} kinds[] = {
    {SYS_mmap, "mmap", ENOMEM},       {SYS_openat, "open", EMFILE},
    {SYS_read, "read", EIO},          {SYS_pread64, "read", EIO},
    {SYS_write, "write", ENOSPC},     {SYS_writev, "write", ENOSPC},
    {SYS_close, "close", EIO},        {SYS_renameat2, "rename", EIO},
    {SYS_renameat, "rename", EIO},    {SYS_unlinkat, "unlink", EACCES},
    {SYS_newfstatat, "stat", EACCES}, {SYS_fstat, "stat", EIO},
    {SYS_lseek, "lseek", EIO},        {SYS_fchmod, "chmod", EPERM},
    {SYS_getdents64, "readdir", EIO}, {SYS_readlinkat, "readlink", EACCES},
#if defined(__x86_64__)
    {SYS_open, "open", EMFILE},       {SYS_rename, "rename", EIO},
    {SYS_unlink, "unlink", EACCES},   {SYS_stat, "stat", EACCES},
    {SYS_lstat, "stat", EACCES},      {SYS_readlink, "readlink", EACCES},
#endif
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static long make_call(long number, const long a[6])
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].number == number && plan_fails(kinds[i].class_name)) {
            if (number == SYS_close) { /* says so, but the descriptor is gone */
                arch_system_call(number, a[0], 0, 0, 0, 0, 0);
            }
            return -kinds[i].error;
        }
    }
    if (number == SYS_read || number == SYS_write) {
        if (plan_fails("interrupt")) {
            return -EINTR;
        }
        if (a[2] > 1 && plan_fails("short")) {
            return arch_system_call(number, a[0], a[1], a[2] / 2, 0, 0, 0);
        }
    }
    return arch_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)number;
    ucontext_t *u = context;
#if defined(__x86_64__)
    greg_t *r = u->uc_mcontext.gregs;
    const long a[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    r[REG_RAX] = make_call(info->si_syscall, a);
#else
    unsigned long long *r = u->uc_mcontext.regs;
    const long a[6] = {(long)r[0], (long)r[1], (long)r[2], (long)r[3], (long)r[4], (long)r[5]};
    r[0] = (unsigned long long)make_call(info->si_syscall, a);
#endif
}

/* Of the linker's: this library's code lies between them. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

#define STATEMENT(code, k) ((struct sock_filter)BPF_STMT(code, k))
#define JUMP(test, k, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | (test), k, yes, no))
#define LOAD(offset) STATEMENT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))

/* From the code between LOW and HIGH everything is allowed; calls of a kind that can fail are
 * trapped elsewhere. */
static int install_filter(uint64_t low, uint64_t high)
{
    const size_t ip = offsetof(struct seccomp_data, instruction_pointer);
    if (low >> 32 != high >> 32) {
        return -1;
    }
    struct sock_filter filter[KINDS + 8] = {
        LOAD(ip + 4),
        JUMP(BPF_JEQ, (uint32_t)(low >> 32), 0, 3),
        LOAD(ip),
        JUMP(BPF_JGE, (uint32_t)low, 0, 1),
        JUMP(BPF_JGE, (uint32_t)high, 0, KINDS + 1),
        LOAD(offsetof(struct seccomp_data, nr)),
    };
    for (unsigned i = 0; i < KINDS; i++) {
        filter[6 + i] = JUMP(BPF_JEQ, (uint32_t)kinds[i].number, (uint8_t)(KINDS - i), 0);
    }
    filter[6 + KINDS] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[7 + KINDS] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {KINDS + 8, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
               ? -1
               : 0;
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    plan_fails(""); /* reads the plan */
    if (sigaction(SIGSYS, &action, NULL) ||
        install_filter((uintptr_t)__ehdr_start, (uintptr_t)etext)) {
        _exit(77);
    }
    ready = true;
}
