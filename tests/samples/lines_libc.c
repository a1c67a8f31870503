/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`: calls through and into libc. What libc allocates itself (the buffer of qsort,
 * the nodes of tsearch, strdup, getline) is charged to the line of ours that called it, but for
 * `self`. */
#include "lines.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>

#define COUNT 400

static NOINLINE int by_value(const void *a, const void *b)
{
    static int calls;
    int x = *(const int *)a, y = *(const int *)b;
    if (calls++ % 50 == 0) {
        void *p = AT(malloc(33));
        USE(p);
        RUN(free(p));
        p = AT(malloc(1));
        USE(p);
    }
    return (x > y) - (x < y);
}

static NOINLINE void visit(const void *node, VISIT order, int depth)
{
    (void)node;
    (void)depth;
    if (order == leaf) {
        void *p = AT(malloc(17));
        USE(p);
    }
}

static NOINLINE void drop(void *key)
{
    (void)key;
    RUN(free(AT(malloc(19))));
}

NOINLINE void libc_callbacks(void)
{
    static int numbers[COUNT];
    for (int i = 0; i < COUNT; i++)
        numbers[i] = i * 7919 % COUNT;
    RUN(qsort(numbers, COUNT, sizeof *numbers, by_value));
    for (int i = 0; i < COUNT; i += 3)
        if (!AT(bsearch(&i, numbers, COUNT, sizeof *numbers, by_value)))
            abort();
    void *root = NULL;
    for (int i = 0; i < 60; i++)
        USE(AT(tsearch(&numbers[i * 37 % COUNT], &root, by_value)));
    RUN(twalk(root, visit));
    RUN(tdestroy(root, drop));
}

NOINLINE void libc_strings(void)
{
    char *copy = AT(strdup("as long as it needs to be"));
    char *part = AT(strndup(copy, 7));
    USE(part);
    RUN(free(copy));
    char *printed = NULL;
    if (AT(asprintf(&printed, "%s and %d", part, 12345)) < 0)
        abort();
    USE(printed);
    char text[] = "one\n"
                  "a second line, rather longer than what getline begins with, which is 120 bytes, "
                  "so that it has to let its buffer grow while reading this sentence to the end\n"
                  "three\n";
    FILE *f = AT(fmemopen(text, sizeof text - 1, "r"));
    char *line = NULL;
    size_t size = 0;
    while (AT(getline(&line, &size, f)) > 0)
        USE(line);
    RUN(free(line));
    if (AT(fclose(f)) != 0)
        abort();
}

static NOINLINE void *thread(void *arg)
{
    for (int i = 0; i < 10; i++) {
        void *p = AT(malloc(64));
        USE(p);
        if (i % 2)
            RUN(free(p));
    }
    return arg;
}

NOINLINE void libc_thread(void)
{
    pthread_t id;
    if (AT(pthread_create(&id, NULL, thread, NULL)) != 0)
        abort();
    if (AT(pthread_join(id, NULL)) != 0)
        abort();
}
