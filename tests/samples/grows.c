/* SPDX-License-Identifier: MIT
 *
 * grows up TOTAL STEP TIMES: TIMES times, allocates TOTAL bytes in blocks of STEP bytes, writes to
 * each, waits, frees all, waits. Stops growing where there is no memory, and says so at the end.
 * grows null STEP: allocates until there is no memory, three times; tells what failed calls leave.
 * grows on STEP: allocates and writes without end.
 * grows inside TOTAL STEP: lets the allocator take TOTAL bytes beforehand and nothing be mapped
 * from then on, then allocates blocks of STEP bytes until there is no memory; tells how many.
 * grows nonsense: asks for what no machine has. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct block {
    struct block *next;
};

static struct block *first;
static size_t count;

static int add(size_t size)
{
    struct block *block = malloc(size < sizeof *block ? sizeof *block : size);
    if (!block)
        return -1;
    memset(block, 1, size);
    block->next = first;
    first = block;
    count++;
    return 0;
}

static void drop_all(void)
{
    while (first) {
        struct block *next = first->next;
        free(first);
        first = next;
    }
    count = 0;
}

/* What is waited for between allocations is looked at by allocations. */
static void wait_a_little(void)
{
    for (int i = 0; i < 5; i++) {
        usleep(10000);
        void *p = malloc(10);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
    }
}

static int up(size_t total, size_t step, int times)
{
    int short_of = 0;
    for (int i = 0; i < times; i++) {
        while (count * step < total && !short_of)
            short_of = add(step) != 0;
        wait_a_little();
        drop_all();
        wait_a_little();
    }
    puts(short_of ? "no memory" : "done");
    return 0;
}

static int until_null(size_t step)
{
    int failed[3];
    for (int i = 0; i < 3; i++) {
        errno = 0;
        while (add(step) == 0) {
        }
        failed[i] = errno;
        for (int j = 0; j < 100; j++)
            failed[i] |= add(step) == 0 ? 0 : errno;
        drop_all();
    }
    printf("errno %d %d %d\n", failed[0], failed[1], failed[2]);
    return 0;
}

static int inside(size_t total, size_t step)
{
    struct rlimit limit;
    mallopt(M_TOP_PAD, (int)total);
    for (int i = 0; i < 4; i++) /* more than the allocator took at first */
        if (add(65536) != 0)
            return 1;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    if (setrlimit(RLIMIT_AS, &(struct rlimit){4096, limit.rlim_max}) != 0)
        return 1;
    while (add(step) == 0) {
    }
    const size_t n = count;
    drop_all();
    setrlimit(RLIMIT_AS, &limit);
    printf("%zu\n", n);
    return 0;
}

static int nonsense(void)
{
    volatile size_t huge = SIZE_MAX / 4, many = SIZE_MAX / 8;
    void *p = NULL;
    printf("%d", malloc(huge) == NULL);
    printf("%d", calloc(many, 100) == NULL);
    printf("%d", realloc(NULL, huge) == NULL);
    printf("%d", posix_memalign(&p, 4096, huge));
    printf("%d\n", errno);
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    const size_t a = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    const size_t b = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (strcmp(how, "up") == 0)
        return up(a, b, argc > 4 ? atoi(argv[4]) : 1);
    if (strcmp(how, "null") == 0)
        return until_null(a);
    if (strcmp(how, "nonsense") == 0)
        return nonsense();
    if (strcmp(how, "inside") == 0)
        return inside(a, b);
    if (strcmp(how, "on") == 0)
        while (add(a) == 0) {
        }
    return 3;
}
