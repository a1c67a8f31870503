/* SPDX-License-Identifier: MIT
 *
 * tiny_stacks [plain|dumps|handlers [ROOM]]: allocates where there is next to no stack: in threads
 * with the least that there is, and in handlers on alternate stacks of ROOM bytes more than the
 * kernel needs. With "dumps" the threads ask for dumps by SIGUSR2, too, with as little; with
 * "handlers" there are no threads, so that a handler is the first to allocate. Prints how many
 * allocations of 77 bytes it made. */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROOM 704 /* above what the kernel takes */
#define LOW 1024 /* the same for a handler that writes a dump, and who raises the signal */

static volatile int made;

static __attribute__((noinline)) void allocate(void)
{
    for (int i = 0; i < 20; i++) {
        void *p = malloc(77);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
        made++;
    }
}

/* Asks for a dump where this thread's stack is used up but for what a handler needs. */
static __attribute__((noinline)) void ask_low_down(size_t room)
{
    void *lowest;
    size_t size;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0 ||
        pthread_attr_getstack(&attributes, &lowest, &size) != 0)
        abort();
    pthread_attr_destroy(&attributes);
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const size_t rest = here - (uintptr_t)lowest;
    if (rest > room) {
        volatile char *used = alloca(rest - room);
        used[0] = 1;
    }
    raise(SIGUSR2);
}

static void *in_thread(void *arg)
{
    allocate();
    if (arg)
        ask_low_down(*(size_t *)arg);
    allocate();
    return NULL;
}

static void on_signal(int number)
{
    (void)number;
    allocate();
}

/* SIZE bytes that begin behind a page which cannot be touched. */
static void *guarded(size_t size)
{
    const size_t page = 4096, whole = (size + page - 1) & ~(page - 1);
    char *p = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) != 0)
        abort();
    return p + page;
}

int main(int argc, char **argv)
{
    const size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    const size_t room = argc > 2 ? (size_t)atoi(argv[2]) : ROOM;
    const size_t signal_stack = ((size_t)sysconf(_SC_MINSIGSTKSZ) + room + 15) & ~(size_t)15;
    size_t low = (size_t)sysconf(_SC_MINSIGSTKSZ) + LOW;
    const int dumps = argc > 1 && strcmp(argv[1], "dumps") == 0;
    const int threads = argc > 1 && strcmp(argv[1], "handlers") == 0 ? 0 : 20;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        if (pthread_attr_setstacksize(&attributes, least) != 0 ||
            pthread_create(&thread, &attributes, in_thread, dumps ? &low : NULL) != 0)
            return 1;
        pthread_join(thread, NULL);
    }
    const stack_t alternate = {.ss_sp = guarded(signal_stack), .ss_size = signal_stack};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&alternate, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
        return 1;
    for (int i = 0; i < 20; i++)
        raise(SIGUSR1);
    printf("%d\n", made);
    return 0;
}
