/* SPDX-License-Identifier: MIT
 *
 * endings HOW: allocates 100 blocks of 100 bytes, frees 40 of them, prints that (counted.h), and
 * ends: return, exit, _exit, _Exit, quick_exit, syscall (of exit_group, by libc's function),
 * instruction (the same without libc), pthread_exit (from main, while a thread goes on to allocate
 * 10 blocks of 10 bytes), race (four threads at once: exit, exit, _exit, and return from main),
 * quick_race (quick_exit by four threads), queue (exit by twelve threads,
 * one soon after the other), threads (return while 32 threads allocate), handlers
 * (atexit and a destructor free 10 more), abort, caught (abort, with a handler that returns), segv,
 * term. The status is 7 unless a signal ends it. */
#include "counted.h"
#include "raw_exit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *blocks[100];
static int handlers; /* whether to free in atexit and destructor */

static void free_some(int from, int to)
{
    for (int i = from; i < to; i++)
        counted_free(blocks[i], 100);
}

static void at_exit(void)
{
    free_some(40, 45);
}

static __attribute__((destructor)) void destroy(void)
{
    if (!handlers)
        return;
    free_some(45, 50);
    counted_print("handlers");
}

static void *goes_on(void *unused)
{
    (void)unused;
    usleep(20000); /* main has very likely ended; the outcome is the same if not */
    counted_keep(10, 10);
    counted_print("thread");
    exit(7);
}

static atomic_int running;

static void *allocates(void *unused)
{
    atomic_fetch_add(&running, 1);
    for (;;) {
        void *p = malloc(64);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
    }
    return unused;
}

/* After a while, so that there can be a snapshot. */
static void exit_at_once(void)
{
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        free(malloc(10));
    }
    raw_exit(7);
}

#define THREADS 32

static int return_with_threads(void)
{
    pthread_t id;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&id, NULL, allocates, NULL) != 0)
            abort();
    while (running < THREADS)
        usleep(100);
    return 7;
}

/* Many stacks, so that a dump takes a while: two places to call from at each depth. */
static __attribute__((noinline)) int climb(int depth, unsigned path)
{
    if (depth == 0) {
        void *p = malloc(1);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
        return 0;
    }
    const int below = path & 1 ? climb(depth - 1, path >> 1) : climb(depth - 1, path >> 1) + 1;
    __asm__ volatile("" ::: "memory");
    return below + 1;
}

static void returns(int number)
{
    (void)number;
}

static pthread_barrier_t together;

static void *ends(void *arg)
{
    void (*const end)(int) = *(void (*const *)(int))arg;
    pthread_barrier_wait(&together);
    end(7);
    return NULL;
}

static void make_stacks(void)
{
    for (unsigned path = 0; path < 1024; path++)
        climb(10, path);
}

static int race(bool quick)
{
    static void (*ways[2][3])(int) = {{exit, exit, _exit}, {quick_exit, quick_exit, quick_exit}};
    make_stacks();
    pthread_barrier_init(&together, NULL, 4);
    for (int i = 0; i < 3; i++) {
        pthread_t id;
        if (pthread_create(&id, NULL, ends, &ways[quick][i]) != 0)
            abort();
    }
    pthread_barrier_wait(&together);
    if (quick)
        quick_exit(7);
    return 7;
}

static void *comes_later(void *place)
{
    usleep((useconds_t)(intptr_t)place * 200);
    exit(7);
}

/* All but the first find the dump being written. */
static int queue(void)
{
    make_stacks();
    for (intptr_t i = 1; i < 12; i++) {
        pthread_t id;
        if (pthread_create(&id, NULL, comes_later, (void *)i) != 0)
            abort();
    }
    exit(7);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t id;
    for (int i = 0; i < 100; i++)
        blocks[i] = counted_malloc(100);
    free_some(0, 40);
    if (strcmp(how, "handlers") == 0) {
        handlers = 1;
        atexit(at_exit);
        return 7;
    }
    if (strcmp(how, "pthread_exit") == 0) {
        if (pthread_create(&id, NULL, goes_on, NULL) == 0)
            pthread_exit(NULL);
        return 1;
    }
    counted_print(how);
    if (strcmp(how, "return") == 0)
        return 7;
    if (strcmp(how, "exit") == 0)
        exit(7);
    if (strcmp(how, "_exit") == 0)
        _exit(7);
    if (strcmp(how, "_Exit") == 0)
        _Exit(7);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(7);
    if (strcmp(how, "syscall") == 0)
        syscall(SYS_exit_group, 7);
    if (strcmp(how, "instruction") == 0)
        exit_at_once();
    if (strcmp(how, "threads") == 0)
        return return_with_threads();
    if (strcmp(how, "race") == 0 || strcmp(how, "quick_race") == 0)
        return race(how[0] == 'q');
    if (strcmp(how, "queue") == 0)
        return queue();
    if (strcmp(how, "caught") == 0)
        signal(SIGABRT, returns);
    if (strcmp(how, "abort") == 0 || strcmp(how, "caught") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    return 2;
}
