/* SPDX-License-Identifier: MIT
 *
 * endings HOW: allocates 100 blocks of 100 bytes, frees 40 of them, prints that (counted.h), and
 * ends: return, exit, _exit, _Exit, quick_exit, syscall (of exit_group, by libc's function),
 * instruction (the same without libc), pthread_exit (from main, while a thread goes on to allocate
 * 10 blocks of 10 bytes), threads (return while 32 threads allocate), handlers (atexit and a
 * destructor free 10 more), abort, segv, term. The status is 7 unless a signal ends it. */
#include "counted.h"
#include "raw_exit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    return 2;
}
