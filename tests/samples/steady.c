/* SPDX-License-Identifier: MIT
 *
 * steady: a program that runs until SIGTERM or until its standard input ends, allocating and
 * freeing all the while, and then exits with status 0. Prints "ready" once. Keeps 10 blocks of 1000
 * bytes. */
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

int main(void)
{
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
