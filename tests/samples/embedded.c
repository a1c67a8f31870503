/* SPDX-License-Identifier: MIT
 *
 * A program that brings suppressions for LeakSanitizer, as people embed them.
 *
 *     embedded [fork|quick|_exit]
 *
 * leaks a block in known() and one in unknown(); its suppressions are for the first, and making
 * them allocates. Then it ends as it is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN __attribute__((noinline))

const char *__lsan_default_suppressions(void);

static void *volatile sink;
static int asked;

const char *__lsan_default_suppressions(void)
{
    char *text = malloc(4096);
    asked++;
    dprintf(STDERR_FILENO, "asked %d\n", asked);
    return text ? strcpy(text, "# of the program's own\nleak:^known$\n") : NULL;
}

OWN static void known(void)
{
    sink = malloc(100);
    __asm__ volatile("");
}

OWN static void unknown(void)
{
    sink = malloc(10);
    __asm__ volatile("");
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    known();
    unknown();
    sink = NULL;
    if (strcmp(how, "fork") == 0) {
        pid_t child = fork();
        if (child == 0)
            known();
        else
            waitpid(child, NULL, 0);
    } else if (strcmp(how, "quick") == 0) {
        quick_exit(0);
    } else if (strcmp(how, "_exit") == 0) {
        _exit(0);
    }
    return 0;
}
