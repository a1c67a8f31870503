/* SPDX-License-Identifier: MIT
 *
 * jumps: allocates between longjmps out of many frames, on coroutines of ucontext and in threads
 * with the smallest stacks. Each does the same work; nothing may be lost. Keeps 3 blocks of 777
 * bytes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

static jmp_buf back;
static ucontext_t main_context, coroutine;

static __attribute__((noinline)) void block(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p)::"memory");
    if (size != 777)
        free(p);
}

static __attribute__((noinline)) int descend(int depth)
{
    block(50);
    if (depth == 0)
        longjmp(back, 1);
    int result = depth > 0 ? descend(depth - 1) : 0;
    block(60);
    return result + 1;
}

static void cooperate(void)
{
    for (int i = 0; i < 100; i++) {
        block(70);
        swapcontext(&coroutine, &main_context);
    }
    block(777);
}

static void run_coroutine(void)
{
    static char stack[1 << 16];
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack;
    coroutine.uc_stack.ss_size = sizeof stack;
    coroutine.uc_link = &main_context;
    makecontext(&coroutine, cooperate, 0);
    for (int i = 0; i < 101; i++) {
        block(80);
        swapcontext(&main_context, &coroutine);
    }
}

static void *thread(void *argument)
{
    for (int i = 0; i < 1000; i++)
        block(90);
    block(777);
    return argument;
}

int main(int argc, char **argv)
{
    for (volatile int i = 0; i < 200; i++)
        if (setjmp(back) == 0)
            return descend(i % 40);
    (void)argv;
    run_coroutine();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    size_t smallest = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    if (argc > 1 && pthread_attr_setstacksize(&attributes, smallest) != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        pthread_t id;
        if (pthread_create(&id, &attributes, thread, NULL) != 0 || pthread_join(id, NULL) != 0)
            return 2;
    }
    return 0;
}
