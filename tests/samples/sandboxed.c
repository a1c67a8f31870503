/* SPDX-License-Identifier: MIT
 *
 * sandboxed HOW WHAT ACTION..: enters a sandbox (seccomp) and does what ACTIONs say.
 * HOW: prctl, syscall, raw (instructions, no libc), strict, strict-call (the strict mode), before
 * (by a child of vfork, which executes nothing), twice, bad (a filter that the kernel refuses).
 * WHAT happens to calls that the program itself does not make: kill, errno, or room: those for
 * files, memory and signals are allowed, the rest ends the process.
 * ACTION: loop (new stacks, no system call), grow (more memory), threads, fork, fault, abort.
 * Prints "done" by one write and ends by the exit_group call, with status 3.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 128
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const int always[] = {SYS_write, SYS_exit_group, SYS_rt_sigreturn};
static const int for_growing[] = {SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap};
static const int for_threads[] = {SYS_mmap,        SYS_mprotect, SYS_munmap, SYS_madvise,
                                  SYS_futex,       SYS_clone3,   SYS_clone,  SYS_set_robust_list,
                                  SYS_rseq,        SYS_exit,     SYS_brk,    SYS_rt_sigprocmask,
                                  SYS_rt_sigaction};
static const int for_fork[] = {SYS_clone, SYS_set_robust_list, SYS_wait4, SYS_rt_sigprocmask};
static const int for_abort[] = {SYS_rt_sigprocmask, SYS_gettid, SYS_getpid, SYS_tgkill,
                                SYS_rt_sigaction};
static const int for_room[] = {
    SYS_openat,     SYS_read,         SYS_close,         SYS_newfstatat,    SYS_fstat,
    SYS_renameat2,  SYS_unlinkat,     SYS_getpid,        SYS_getppid,       SYS_gettid,
    SYS_munmap,     SYS_mmap,         SYS_getrandom,     SYS_mkdirat,       SYS_rt_sigprocmask,
    SYS_readlinkat, SYS_rt_sigaction, SYS_sigaltstack,   SYS_tgkill,        SYS_rt_tgsigqueueinfo,
    SYS_nanosleep,  SYS_timer_create, SYS_timer_settime, SYS_clock_gettime, SYS_prctl,
    SYS_seccomp};

static int calls[CALLS_MAX];
static size_t n_calls;

static void allow(const int *list, size_t n)
{
    for (size_t i = 0; i < n && n_calls < CALLS_MAX; i++) {
        calls[n_calls++] = list[i];
    }
}

/* The filter that allows CALLS, and does OTHERWISE to all else. */
static struct sock_fprog make_filter(uint32_t otherwise)
{
    static struct sock_filter code[2 * CALLS_MAX + 8];
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n_calls; i++) {
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
    return (struct sock_fprog){(unsigned short)n, code};
}

#if defined(__x86_64__)
static long raw(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}
#else
static long raw(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#endif

static void need(long result)
{
    if (result != 0) {
        _exit(9);
    }
}

static void enter(const char *how, struct sock_fprog *filter)
{
    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (strcmp(how, "prctl") == 0) {
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter));
    } else if (strcmp(how, "syscall") == 0) {
        need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter));
    } else if (strcmp(how, "raw") == 0) {
        need(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)filter));
    } else if (strcmp(how, "strict") == 0) {
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    } else if (strcmp(how, "strict-call") == 0) {
        need(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
    } else if (strcmp(how, "before") == 0) {
        if (vfork() == 0) { /* NOLINT: that is what is tried */
            _exit(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) == 0 ? 0 : 9);
        }
    } else if (strcmp(how, "twice") == 0) {
        struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        struct sock_fprog first = {1, all};
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &first));
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter));
    } else {
        struct sock_fprog wrong = {0, filter->filter};
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &wrong) == -1 && errno == EINVAL ? 0 : 1);
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8L) == -1 && errno == EFAULT ? 0 : 1);
    }
}

static __attribute__((noinline)) void take_below(unsigned depth)
{
    if (depth > 0) {
        take_below(depth - 1);
    } else {
        void *p = malloc(1000);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
        p = malloc(10);
        __asm__ volatile("" : "+r"(p)::"memory");
    }
    __asm__ volatile("");
}

/* Without a system call: there is room in the heap. */
static void loop(void)
{
    for (unsigned i = 0; i < 2000; i++) {
        take_below(i % 20);
    }
}

static void grow(void)
{
    for (int i = 0; i < 2000; i++) {
        void *p = malloc((size_t)1 << (i % 18));
        __asm__ volatile("" : "+r"(p)::"memory");
    }
}

static void *in_thread(void *arg)
{
    loop();
    return arg;
}

static void threads(void)
{
    pthread_t thread[4];
    for (size_t i = 0; i < LENGTH(thread); i++) {
        need(pthread_create(&thread[i], NULL, in_thread, NULL));
    }
    for (size_t i = 0; i < LENGTH(thread); i++) {
        need(pthread_join(thread[i], NULL));
    }
}

static void forks(void)
{
    pid_t child = fork();
    if (child == 0) {
        loop();
        _exit(0);
    }
    int status = 1;
    need(wait4(child, &status, 0, NULL) == child ? status : 1);
}

static const struct action {
    const char *name;
    void (*run)(void);
    const int *calls;
    size_t n_calls;
} actions[] = {
    {"loop", loop, NULL, 0},
    {"grow", grow, for_growing, LENGTH(for_growing)},
    {"threads", threads, for_threads, LENGTH(for_threads)},
    {"fork", forks, for_fork, LENGTH(for_fork)},
    {"abort", abort, for_abort, LENGTH(for_abort)},
};

static const struct action *find(const char *name)
{
    for (size_t i = 0; i < LENGTH(actions); i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return &actions[i];
        }
    }
    _exit(8);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 8;
    }
    allow(always, LENGTH(always));
    for (int i = 3; i < argc; i++) {
        allow(find(argv[i])->calls, find(argv[i])->n_calls);
    }
    if (strcmp(argv[2], "room") == 0) {
        allow(for_room, LENGTH(for_room));
    }
    struct sock_fprog filter = make_filter(
        strcmp(argv[2], "errno") == 0 ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS);
    void *room = malloc(100000), *stays = malloc(77);
    __asm__ volatile("" : "+r"(room), "+r"(stays)::"memory");
    free(room);
    enter(argv[1], &filter);
    for (int i = 3; i < argc; i++) {
        find(argv[i])->run();
    }
    if (write(1, "done\n", 5) != 5) {
        return 7;
    }
    if (strncmp(argv[1], "strict", 6) == 0) {
        raw(SYS_exit, 3, 0, 0);
    }
    _exit(3);
}
