/* SPDX-License-Identifier: MIT
 *
 * A storm of allocations that is killed in the midst of it, and keeps its own account in a file.
 *
 *     killed FILE THREADS MICROSECONDS [STEPS|forks|maps]
 *
 * Each thread's account has two pages of a book: that of the last operation that is known to be
 * done, and that of the next one, written before it begins. So whenever the process ends, what it
 * has done is one page or the other, of each thread; or, in the middle of a realloc, the frees of
 * the one with the allocations of the other. MICROSECONDS after the start (0: at once) the process
 * is killed by a child; with STEPS, by its tracer, after so many instructions of the storm. With
 * `forks` signal handlers fork all the time, and the children storm on where they were, for a
 * while. With `maps` the storm is of mmap, mremap and munmap.
 */
#include "raw_exit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define BLOCKS 512

struct page {
    uint64_t allocs, bytes, frees, freed;
};

struct account {
    _Atomic uint64_t done; /* operations: page done % 2 is that of the last one */
    struct page page[2];
    uint64_t unused[7];
};

static struct account *book;

struct storm {
    struct account *account;
    uint64_t random;
    void *block[BLOCKS];
    size_t size[BLOCKS];
};

static struct storm storms[THREADS];
static bool maps;

static uint64_t draw(struct storm *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static size_t draw_size(struct storm *s)
{
    const uint64_t r = draw(s);
    return r % 64 == 0 ? r >> 8 & 0xffff : r >> 8 & 0xff;
}

static struct page *next_page(struct storm *s)
{
    const uint64_t done = atomic_load(&s->account->done);
    s->account->page[(done + 1) % 2] = s->account->page[done % 2];
    return &s->account->page[(done + 1) % 2];
}

static void turn_page(struct storm *s)
{
    atomic_fetch_add(&s->account->done, 1);
}

__attribute__((noinline)) static void *take(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p));
    return p;
}

__attribute__((noinline)) static void *take_elsewhere(size_t size)
{
    void *p = calloc(1, size);
    __asm__ volatile("" : "+r"(p));
    return p;
}

__attribute__((noinline)) static void *resize(void *block, size_t size)
{
    void *p = realloc(block, size);
    __asm__ volatile("" : "+r"(p));
    return p;
}

/* In place of these and of free, by whole pages. A mapping only grows: to make it smaller would be
 * no call that yields one. */
static size_t pages(size_t old_size, size_t size)
{
    return maps ? old_size + (size % 16 + 1) * 4096 : size;
}

static void *map(void *old, size_t old_size, size_t size)
{
    return old ? mremap(old, old_size, size, MREMAP_MAYMOVE)
               : mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void give_back(void *block, size_t size)
{
    if (maps) {
        munmap(block, size);
    } else {
        free(block);
    }
}

static void operate(struct storm *s)
{
    const uint64_t r = draw(s);
    const size_t i = r % BLOCKS;
    struct page *next = next_page(s);
    if (s->block[i] && r >> 32 & 3) {
        next->frees++;
        next->freed += s->size[i];
        give_back(s->block[i], s->size[i]);
        s->block[i] = NULL;
    } else {
        const size_t size = pages(s->block[i] ? s->size[i] : 0, draw_size(s) + 1);
        next->allocs++;
        next->bytes += size;
        if (s->block[i]) {
            next->frees++;
            next->freed += s->size[i];
            s->block[i] = maps ? map(s->block[i], s->size[i], size) : resize(s->block[i], size);
        } else if (maps) {
            s->block[i] = map(NULL, 0, size);
        } else {
            s->block[i] = r >> 40 & 1 ? take(size) : take_elsewhere(size);
        }
        s->size[i] = size;
    }
    turn_page(s);
}

static void *run(void *arg)
{
    for (;;) {
        operate(arg);
    }
    return NULL;
}

/* Without our exit handlers: the child has nothing to tell. */
static void leave(void)
{
    raw_exit(0);
}

static void kill_later(long microseconds)
{
    const pid_t victim = getpid();
    if (fork() == 0) {
        const struct timespec wait = {microseconds / 1000000, microseconds % 1000000 * 1000};
        nanosleep(&wait, NULL);
        kill(victim, SIGKILL);
        leave();
    }
}

/* Lets a child storm for STEPS instructions. */
static void step(long steps)
{
    const pid_t child = fork();
    if (child == 0) {
        operate(&storms[0]); /* from here on it has counts of its own */
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        run(&storms[0]);
    }
    int status;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (steps-- > 0) {
            ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
        } else {
            kill(child, SIGKILL);
        }
    }
}

static void alarm_each(long microseconds)
{
    const struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void end(int number)
{
    (void)number;
    kill(getpid(), SIGKILL);
}

/* The child's storm is not in the account. */
static void split(int number)
{
    static int left = 12;
    (void)number;
    if (left-- > 0 && fork() == 0) {
        mmap(book, THREADS * sizeof *book, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        signal(SIGALRM, end);
        alarm_each(3000);
    }
}

static void begin_splitting(void)
{
    signal(SIGCHLD, SIG_IGN);
    signal(SIGALRM, split);
    alarm_each(1500);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    const long threads = strtol(argv[2], NULL, 10);
    const int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || threads < 1 || threads > THREADS || ftruncate(fd, THREADS * sizeof *book) != 0) {
        return 2;
    }
    book = mmap(NULL, THREADS * sizeof *book, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (book == MAP_FAILED) {
        return 2;
    }
    for (long i = 0; i < threads; i++) {
        storms[i] = (struct storm){.account = &book[i], .random = 88172645463325252u + (uint64_t)i};
    }
    if (argc > 4 && strcmp(argv[4], "forks") == 0) {
        begin_splitting();
    } else if (argc > 4 && strcmp(argv[4], "maps") == 0) {
        maps = true;
    } else if (argc > 4) {
        step(strtol(argv[4], NULL, 10));
        return 0;
    }
    kill_later(strtol(argv[3], NULL, 10));
    for (long i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, &storms[i]);
    }
    run(&storms[0]);
}
