/* SPDX-License-Identifier: MIT
 *
 * storm_signals HOW COUNT MICROSECONDS: two threads allocate, free and resize below changing
 * stacks. A timer interrupts them COUNT times, each MICROSECONDS after the last. Its handler
 *
 *   allocate   allocates 3 blocks of 1123 bytes, resizes one and frees 2, on an alternate stack or
 *              the usual one
 *   jump       allocates, and leaves by siglongjmp whatever it interrupted
 *   fork, _fork, clone   makes a child, which allocates 10 blocks of 321 bytes and exits
 *   forks, _forks, clones   makes one so, which allocates as many, goes on with what was
 * interrupted, and exits soon; each thread has a timer of its own, so that both fork at once
 *
 * To be run over libsafe_malloc.so. Afterwards 1000 blocks of 2055 bytes are allocated and kept.
 * Prints how many allocations this process made and how many blocks it keeps. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int handled, stop, failures;
static atomic_long allocated, freed;
static _Thread_local sigjmp_buf *back;
static int limit, pause_us;
static bool each, in_child; /* EACH thread has a timer of its own: */
static _Thread_local timer_t timer;

static void *take(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p)::"memory");
    if (!p)
        abort();
    atomic_fetch_add(&allocated, 1);
    return p;
}

static void give(void *p)
{
    free(p);
    atomic_fetch_add(&freed, 1);
}

/* P anew. */
static void *resize(void *p, size_t size)
{
    p = realloc(p, size);
    __asm__ volatile("" : "+r"(p)::"memory");
    if (!p)
        abort();
    atomic_fetch_add(&allocated, 1);
    atomic_fetch_add(&freed, 1);
    return p;
}

static __attribute__((noinline)) void in_handler(int depth)
{
    if (depth > 0) {
        in_handler(depth - 1);
    } else {
        void *p = take(1123), *q = take(1123);
        give(p);
        (void)take(1123);
        give(resize(q, 2123));
    }
    __asm__ volatile("");
}

static void arm(void)
{
    const struct itimerval after = {.it_value = {pause_us / 1000000, pause_us % 1000000}};
    const struct itimerspec own = {.it_value = {after.it_value.tv_sec, pause_us % 1000000 * 1000L}};
    if (each)
        timer_settime(timer, 0, &own, NULL);
    else
        setitimer(ITIMER_REAL, &after, NULL);
}

/* The next signal, or the end. */
static void go_on(void)
{
    if (++handled >= limit)
        stop = 1;
    else
        arm();
}

/* The calling thread's, which begins. */
static void make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    event._sigev_un._tid = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        abort();
    arm();
}

static void on_allocate(int number)
{
    (void)number;
    in_handler(handled % 5);
    go_on();
}

/* Allocating as it goes, until a signal or the bottom ends it. */
static __attribute__((noinline)) void descend(unsigned path)
{
    void *p = take(path % 300);
    if (path > 3) {
        if (path & 1)
            descend(path / 2);
        else
            descend(path / 3);
    }
    give(resize(p, path % 700 + 1));
}

static void on_jump(int number)
{
    (void)number;
    in_handler(handled % 3);
    go_on();
    if (back)
        siglongjmp(*back, 1);
}

static pid_t make_child(const char *how)
{
    if (strncmp(how, "fork", 4) == 0)
        return fork();
    if (strncmp(how, "_fork", 5) == 0)
        return _Fork();
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static const char *how_to_fork;

static void on_fork(int number)
{
    (void)number;
    int status = 1;
    pid_t child = make_child(how_to_fork);
    if (child == 0 && each) {
        in_child = true;
        stop = 1;
        for (int i = 0; i < 10; i++)
            (void)take(321);
        return;
    }
    if (child == 0) {
        for (int i = 0; i < 10; i++)
            (void)take(321);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        failures++;
    go_on();
}

static void *work(void *argument)
{
    static char alternate[2][1 << 16];
    int self = *(int *)argument;
    stack_t stack = {.ss_sp = alternate[self], .ss_size = sizeof alternate[self]};
    if (self == 1)
        sigaltstack(&stack, NULL);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    sigjmp_buf here;
    volatile unsigned path = 12345;
    sigsetjmp(here, 1);
    back = &here;
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    if (each)
        make_timer();
    while (!stop) {
        path = path * 1103515245 + 12345;
        descend((path >> 16) % 64 * 1000003);
    }
    if (in_child)
        _exit(0);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    back = NULL;
    return NULL;
}

static void install(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART};
    if (sigaction(SIGALRM, &action, NULL) != 0)
        abort();
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    how_to_fork = argv[1];
    each = strchr(how_to_fork, 's') != NULL;
    limit = atoi(argv[2]);
    pause_us = atoi(argv[3]);
    install(strcmp(argv[1], "allocate") == 0 ? on_allocate
            : strcmp(argv[1], "jump") == 0   ? on_jump
                                             : on_fork);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    pthread_t thread[2];
    int number[2] = {0, 1};
    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread[i], NULL, work, &number[i]) != 0)
            return 2;
    if (!each)
        arm();
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 1000; i++)
        (void)take(2055);
    char text[200];
    int n = snprintf(text, sizeof text,
                     "{\"handled\": %d, \"alloc_count\": %ld, \"kept\": %ld, \"failures\": %d}\n",
                     handled, allocated, allocated - freed, failures);
    return write(1, text, (size_t)n) != n;
}
