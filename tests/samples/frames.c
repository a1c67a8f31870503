/* SPDX-License-Identifier: MIT
 *
 * frames: allocates below stack frames that are hard to unwind: alloca and variable-length arrays,
 * frames realigned to 32 and 64 bytes, saved registers that hold arbitrary numbers, deep recursion
 * with a random path, callbacks through libc, each changing from call to call. */
#include <alloca.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))
#define USE(p) __asm__ volatile("" : "+r"(p)::"memory")

static uint64_t state = 42;

static unsigned number(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void down(int depth);

static NOINLINE void innermost(void)
{
    void *p = malloc(number(200));
    USE(p);
    p = realloc(p, 300);
    USE(p);
    free(p);
}

static NOINLINE void by_alloca(int depth)
{
    char *p = alloca(number(2000) + 1);
    USE(p);
    down(depth);
    p = alloca(100);
    USE(p);
    down(depth - 1);
}

static NOINLINE void by_array(int depth)
{
    char text[number(500) + 1];
    memset(text, depth, sizeof text);
    char *p = text;
    USE(p);
    down(depth);
    USE(p);
}

static NOINLINE void realigned(int depth)
{
    char wide[64] __attribute__((aligned(64)));
    char *p = wide;
    memset(wide, depth, sizeof wide);
    USE(p);
    if ((uintptr_t)p % 64)
        abort();
    down(depth);
    USE(p);
}

/* Realigned and of variable size at once: the frame is found through a third register. */
static NOINLINE void realigned_array(int depth)
{
    char wide[32] __attribute__((aligned(32)));
    char text[number(300) + 1];
    char *p = wide, *q = text;
    memset(wide, depth, sizeof wide);
    USE(p);
    USE(q);
    down(depth);
    USE(p);
    USE(q);
}

/* All callee-saved registers hold numbers that look like anything, addresses of the stack too. */
static NOINLINE void registers(int depth)
{
    uint64_t a = state, b = state * 3, c = (uint64_t)&a, d = c + 64, e = ~a, f = c - 4096;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    down(depth);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
}

static int compare(const void *a, const void *b)
{
    if (number(10) == 0)
        innermost();
    return memcmp(a, b, 1);
}

static NOINLINE void by_callback(int depth)
{
    char text[40];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)number(250);
    qsort(text, sizeof text, 1, compare);
    void *root = NULL;
    for (size_t i = 0; i < 5; i++)
        tsearch(&text[i], &root, compare);
    while (root)
        tdelete(*(void **)root, &root, compare);
    down(depth - 1);
}

static NOINLINE void down(int depth)
{
    static void (*const ways[])(int) = {by_alloca,       by_array,  realigned,
                                        realigned_array, registers, by_callback};
    innermost();
    if (depth > 0)
        ways[number(6)](depth - 1);
    innermost();
}

static NOINLINE int deep(int depth)
{
    if (depth == 0 || number(100) == 0)
        innermost();
    return depth == 0 ? 0 : deep(depth - 1) + 1;
}

int main(void)
{
    for (int i = 0; i < 400; i++)
        down((int)number(12));
    return deep(150) == 150 ? 0 : 1;
}
