/* SPDX-License-Identifier: MIT
 *
 * forkstorm N: 4 threads fork N times each, while 8 threads allocate and free. Every child
 * allocates 50 blocks of 40 bytes, frees 20 of them, and exits. Exits with 0 if all children did.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop, failures;

static void *allocate(void *unused)
{
    void *blocks[64] = {0};
    for (unsigned i = 0; !stop; i++) {
        free(blocks[i % 64]);
        blocks[i % 64] = malloc(i % 500);
    }
    for (unsigned i = 0; i < 64; i++)
        free(blocks[i]);
    return unused;
}

static void child(void)
{
    for (int i = 0; i < 50; i++) {
        void *p = malloc(40);
        __asm__ volatile("" : "+r"(p)::"memory");
        if (i % 5 < 2)
            free(p);
    }
    exit(0);
}

static void *forks(void *argument)
{
    for (int i = *(int *)argument; i > 0; i--) {
        int status = 1;
        pid_t pid = fork();
        if (pid == 0)
            child();
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
            failures++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : 10;
    pthread_t allocating[8], forking[4];
    for (int i = 0; i < 8; i++)
        if (pthread_create(&allocating[i], NULL, allocate, NULL) != 0)
            return 2;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&forking[i], NULL, forks, &times) != 0)
            return 2;
    for (int i = 0; i < 4; i++)
        pthread_join(forking[i], NULL);
    stop = 1;
    for (int i = 0; i < 8; i++)
        pthread_join(allocating[i], NULL);
    return failures != 0;
}
