/* SPDX-License-Identifier: MIT
 *
 * surprises: hosts that hold libc's locks, fork, shut descriptors or doors at awkward moments, one
 * each by name. Prints what it was asked to prove and ends with status 0. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memprof/memprof.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void take(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p)::"memory");
}

/* Its first allocation is made by glibc with the thread's own lock held. */
static void *ask_for_bounds(void *arg)
{
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_destroy(&attributes);
    take(100);
    return arg;
}

static void bounds(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, ask_for_bounds, NULL);
    pthread_join(thread, NULL);
}

static void *dump_without_end(void *arg)
{
    for (;;) {
        memprof_dump(arg);
    }
    return NULL;
}

/* Children are forked while another thread writes a dump, and allocate before they end. */
static void fork_while_dumping(const char *pattern)
{
    pthread_t thread;
    pthread_create(&thread, NULL, dump_without_end, (void *)(size_t)pattern);
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        pid_t child = fork();
        if (child == 0) {
            take(1000);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

/* What was standard error becomes a file of data. */
static void reuse_descriptor(const char *file)
{
    close(2);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd != 2 || write(fd, "data\n", 5) != 5) {
        abort();
    }
    take(10);
}

static void go_to_background(void)
{
    for (int i = 0; i < 100; i++) {
        take(1000);
    }
    if (daemon(1, 1) != 0) {
        abort();
    }
    take(5);
}

/* Only what is needed for the rest is allowed; anything else ends the process. */
static void enter_sandbox(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    take(4321);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        abort();
    }
    for (int i = 0; i < 50; i++) {
        take(1000);
        usleep(2000);
    }
}

static void load_again(const char *library)
{
    for (int i = 0; i < 3000; i++) {
        void *handle = dlopen(library, RTLD_NOW);
        if (!handle) {
            abort();
        }
        take(10);
        dlclose(handle);
    }
}

static atomic_bool closing_ends;

static void *allocate(void *unused)
{
    while (!closing_ends) {
        void *p = malloc(100);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
    }
    return unused;
}

/* Closes all descriptors again and again, as programs do before they execute others, and opens a
 * file that then has one of the lowest. Others allocate, so that dumps fall due meanwhile. */
static void close_all(const char *path)
{
    pthread_t threads[2];
    long written = 0;
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, allocate, NULL);
    }
    for (int i = 0; i < 3000; i++) {
        closefrom(3);
        for (int n = 0; n < 6; n++) {
            const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
            written += n == 0 && write(fd, "data\n", 5) == 5;
        }
        sched_yield();
    }
    closing_ends = true;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    struct stat status;
    printf("%s\n", stat(path, &status) == 0 && status.st_size == 5 * written ? "mine" : "not mine");
}

static int leave(void *program)
{
    if (program) {
        char *argv[] = {program, NULL};
        execv(program, argv);
    }
    _exit(prctl(-1, 0, 0, 0, 0) == -1 && syscall(-1) == -1 ? 5 : 6);
}

/* Children that share the memory, and whose thread-local storage is a page of zeros, as Chromium
 * has one that calls chroot: they can do nothing but make system calls. */
static void clone_bare(void)
{
    static char stack[65536] __attribute__((aligned(64))), storage[65536];
    char *const programs[] = {NULL, "/no/such/file", "/bin/true"};
    for (int i = 0; i < 3; i++) {
        int status = 0;
        const pid_t child =
            clone(leave, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_SETTLS | SIGCHLD,
                  programs[i], NULL, storage + sizeof storage / 2, NULL);
        waitpid(child, &status, 0);
        printf("status %d\n", status);
    }
    take(10);
}

static void nothing(int number)
{
    (void)number;
}

static sigjmp_buf back;

static void jump(int number)
{
    siglongjmp(back, number);
}

/* Leaves libc's reallocarray, which calls realloc, by a fault there. */
static void leave_resize(void)
{
    char *nowhere = (char *)16;
    __asm__ volatile("" : "+r"(nowhere));
    signal(SIGSEGV, jump);
    if (sigsetjmp(back, 1) == 0 && reallocarray(nowhere, 10, 10)) {
        puts("a block");
    }
    signal(SIGSEGV, SIG_DFL);
    void *p = realloc(malloc(100), 4321);
    __asm__ volatile("" : "+r"(p)::"memory");
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
    if (dlerror()) {
        puts("an error of the loader that is not ours");
    }
    errno = 0;
    take(1);
    printf("errno %d\n", errno);
    if (strcmp(which, "bounds") == 0) {
        bounds();
    } else if (strcmp(which, "fork") == 0) {
        fork_while_dumping(argument);
    } else if (strcmp(which, "descriptor") == 0) {
        reuse_descriptor(argument);
    } else if (strcmp(which, "bare") == 0) {
        clone_bare();
    } else if (strcmp(which, "closing") == 0) {
        close_all(argument);
    } else if (strcmp(which, "daemon") == 0) {
        go_to_background();
    } else if (strcmp(which, "sandbox") == 0) {
        enter_sandbox();
    } else if (strcmp(which, "handler") == 0) {
        signal(SIGUSR2, nothing);
        raise(SIGUSR2);
    } else if (strcmp(which, "leaving") == 0) {
        leave_resize();
    } else if (strcmp(which, "load") == 0) {
        load_again(argument);
    }
    puts("done");
    return 0;
}
