/* SPDX-License-Identifier: MIT
 *
 * leaky WORD..: allocates as the words say, and prints for each the line that does it.
 *
 *     leak=COUNTxSIZE    blocks that are lost, by inner() which middle() calls
 *     other=COUNTxSIZE   the same by another function
 *     copy=COUNT         the same through strdup
 *     peak=SIZE          held for a while, and freed
 *     allocs=COUNT       blocks of 8 bytes, freed at once
 *     runtime            what makes the C library allocate for itself
 *     fork               a child that allocates nothing, and one that does the words that follow
 */
#include <locale.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OWN __attribute__((noinline, noclone))

static void *volatile sink;

OWN static void inner(size_t size)
{
    int line = (sink = malloc(size), __LINE__);
    if (getenv("LEAKY_LINES"))
        printf("leak %d\n", line);
}

OWN static void middle(size_t size)
{
    inner(size);
    __asm__ volatile("");
}

OWN static void other(size_t size)
{
    int line = (sink = calloc(1, size), __LINE__);
    if (getenv("LEAKY_LINES"))
        printf("other %d\n", line);
}

OWN static void copy(void)
{
    int line = (sink = strdup("a copy"), __LINE__);
    if (getenv("LEAKY_LINES"))
        printf("copy %d\n", line);
}

OWN static void peak(size_t size)
{
    int line = (sink = malloc(size), __LINE__);
    free(sink);
    if (getenv("LEAKY_LINES"))
        printf("peak %d\n", line);
}

OWN static void *in_thread(void *arg)
{
    return arg;
}

OWN static void runtime(void)
{
    pthread_t thread;
    time_t now = time(NULL);
    setlocale(LC_ALL, "C.UTF-8");
    sink = getpwnam("root");
    sink = localtime(&now);
    setenv("LEAKY", "value", 1);
    if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
        pthread_join(thread, NULL);
    puts("runtime");
}

static void repeat(const char *value, void (*action)(size_t))
{
    char *end;
    unsigned long count = strtoul(value, &end, 10);
    size_t size = *end == 'x' ? strtoul(end + 1, NULL, 10) : 16;
    while (count-- > 0)
        action(size);
}

/* Returns in the second child, and in the parent when both have ended. */
static int fork_children(void)
{
    pid_t idle = fork();
    if (idle == 0)
        _exit(0);
    pid_t child = fork();
    if (child == 0)
        return 0;
    waitpid(idle, NULL, 0);
    waitpid(child, NULL, 0);
    return 1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        value = value ? value + 1 : "";
        if (strncmp(argv[i], "leak=", 5) == 0)
            repeat(value, middle);
        else if (strncmp(argv[i], "other=", 6) == 0)
            repeat(value, other);
        else if (strncmp(argv[i], "copy=", 5) == 0)
            for (unsigned long n = strtoul(value, NULL, 10); n > 0; n--)
                copy();
        else if (strncmp(argv[i], "peak=", 5) == 0)
            peak(strtoul(value, NULL, 10));
        else if (strncmp(argv[i], "allocs=", 7) == 0)
            for (unsigned long n = strtoul(value, NULL, 10); n > 0; n--)
                free(sink = malloc(8));
        else if (strcmp(argv[i], "runtime") == 0)
            runtime();
        else if (strcmp(argv[i], "fork") == 0 && fork_children())
            return 0;
    }
    sink = NULL;
    return 0;
}
