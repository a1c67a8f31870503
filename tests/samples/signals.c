/* SPDX-License-Identifier: MIT
 *
 * signals: handlers that allocate, having interrupted code anywhere but in the allocator: on the
 * normal and on an alternate stack, nested, by raise and by a timer during computation, and
 * handlers that are left by siglongjmp. Prints how many blocks of 123 bytes its handlers allocated:
 * those are the only ones of this size. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static sigjmp_buf back;
static volatile double sink;

static __attribute__((noinline)) void allocate(void)
{
    void *p = malloc(123);
    __asm__ volatile("" : "+r"(p)::"memory");
    free(p);
    handled = handled + 1;
}

static void on_signal(int number)
{
    allocate();
    if (number == SIGUSR1)
        raise(SIGUSR2);
    allocate();
}

static void on_jump(int number)
{
    (void)number;
    allocate();
    siglongjmp(back, 1);
}

static void install(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (sigaction(number, &action, NULL) != 0)
        abort();
}

/* No call of the allocator here: a signal may come at any instruction. */
static __attribute__((noinline)) double compute(int until)
{
    double x = 1;
    for (int i = 0; i < 2000000000 && handled < until; i++)
        x = x * 1.0000001 + (double)i;
    return x;
}

int main(void)
{
    static char alternate[1 << 16];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    install(SIGUSR1, on_signal, 0);
    install(SIGUSR2, on_signal, SA_ONSTACK);
    install(SIGALRM, on_signal, SA_RESTART);
    install(SIGHUP, on_jump, SA_NODEFER);
    for (int i = 0; i < 200; i++)
        raise(i % 2 ? SIGUSR1 : SIGUSR2);
    for (volatile int i = 0; i < 200; i++)
        if (sigsetjmp(back, 1) == 0)
            raise(SIGHUP);
    struct itimerval timer = {.it_interval = {0, 1000}, .it_value = {0, 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    sink = compute(handled + 200);
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, NULL);
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)handled);
    return write(1, text, (size_t)n) != n;
}
