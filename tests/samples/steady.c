/* SPDX-License-Identifier: MIT
 *
 * steady: a program that runs until SIGTERM or until its standard input ends, allocating and
 * freeing all the while, and then exits with status 0. Prints "ready" once. Keeps 10 blocks of 1000
 * bytes.
 *
 * steady ROUNDS: replaces each of 1000 blocks in each round, from 10 depths of a recursion, by one
 * of the same size, so that the heap stays as it is. What it holds does not depend on how many
 * rounds there are. Asks for a dump after a twentieth of them. */
#include <memprof/memprof.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
    (void)signal;
    stop = 1;
}

#define BLOCKS 1000

static __attribute__((noinline)) void replace(void **block, int depth, size_t size)
{
    if (depth > 0) {
        replace(block, depth - 1, size);
    } else {
        free(*block);
        *block = malloc(size);
    }
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static int go_round(long rounds)
{
    static void *block[BLOCKS];
    unsigned long state = 1;
    for (long i = 0; i < rounds; i++) {
        if (i == rounds / 20 && memprof_dump(NULL) != 0)
            return 1;
        for (int j = 0; j < BLOCKS; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            replace(&block[j], (int)(state >> 33) % 10, (size_t)j % 512);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return go_round(atol(argv[1]));
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < 10; i++) {
        void *kept = malloc(1000);
        __asm__ volatile("" ::"r"(kept) : "memory");
    }
    if (write(1, "ready\n", 6) != 6)
        return 1;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (!stop) {
        for (int i = 0; i < 100; i++) {
            void *p = malloc(200);
            __asm__ volatile("" : "+r"(p)::"memory");
            free(p);
        }
        if (poll(&input, 1, 2) > 0)
            stop = 1;
    }
    return 0;
}
