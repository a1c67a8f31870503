/* SPDX-License-Identifier: MIT
 *
 * suite: a test case named by the first argument. The others must arrive as they were written.
 * `leak` loses 64 bytes, `fail` fails, `fail-leak` does both, `skip` leaks and ends as one that was
 * skipped, all others give back what they take. All say that they are done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile lost;

static int expect(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[2], "") == 0 && strcmp(argv[3], "a;b") == 0 &&
        strcmp(argv[4], "c d") == 0)
        return 0;
    fputs("suite: other arguments than those of add_test\n", stderr);
    return 3;
}

/* Those that fail are given two variables, and nobody more. */
static int is_as_set(void)
{
    const char *a = getenv("A"), *b = getenv("B");
    return (!a || (strcmp(a, "1") == 0 && b && strcmp(b, "2") == 0)) &&
           !getenv("MEMPROF_CHECK_WILL_FAIL") && !getenv("MEMPROF_CHECK_SKIP_STATUS");
}

int main(int argc, char **argv)
{
    if (expect(argc, argv) || !is_as_set())
        return 3;
    for (size_t i = 1; i <= 100; i++) {
        lost = malloc(i);
        free(lost);
    }
    if (strstr(argv[1], "leak") || strcmp(argv[1], "skip") == 0)
        lost = malloc(64);
    fputs("suite: done\n", stderr);
    return strncmp(argv[1], "fail", 4) == 0 || strcmp(argv[1], "skip") == 0;
}
