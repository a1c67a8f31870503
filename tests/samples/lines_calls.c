/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`: inlined functions, macros, recursion, function pointers. */
#include "lines.h"

#include <stddef.h>

/* May be inlined or not, as the compiler likes: the line is the same. */
static void *perhaps_inlined(size_t size)
{
    void *p = AT(inline_inner(size));
    return p;
}

NOINLINE void calls_inlined(void)
{
    void *a = AT(inline_outer(24));
    void *b = AT(inline_outer(40));
    void *c = AT(perhaps_inlined(56));
    void *d = AT(perhaps_inlined(72));
    USE(a);
    USE(b);
    RUN(free(c));
    USE(d);
}

#define TWICE(p, q, n)                                                                             \
    do {                                                                                           \
        (p) = NEW_INTS(n);                                                                         \
        (q) = NEW_INTS(2 * (n));                                                                   \
    } while (0)

NOINLINE void calls_macros(void)
{
    int *p = NEW_INTS(10);
    USE(p);
    int *q, *r;
    TWICE(q, r, 5);
    USE(q);
    USE(r);
    if (AT((size_t)rand()) % 2 < 5) /* always: the same call on two lines, not to be merged */
        p = NEW_INTS(7);
    else
        p = NEW_INTS(7);
    USE(p);
    for (int i = 0; i < 20; i++)
        RUN(free(NEW_INTS(1)));
}

struct node {
    struct node *left, *right;
    char *name;
};

static NOINLINE struct node *tree(int depth)
{
    if (depth == 0)
        return NULL;
    struct node *n = AT(malloc(sizeof *n));
    n->left = AT(tree(depth - 1));
    n->name = AT(malloc((size_t)depth * 8));
    n->right = AT(tree(depth - 1));
    return n;
}

static NOINLINE void prune(struct node *n)
{
    if (!n)
        return;
    RUN(prune(n->left));
    RUN(prune(n->right));
    RUN(free(n->name));
    RUN(free(n));
}

/* Mutual recursion: even and odd each stand on the stack several times. */
static void *odd(int n);

static NOINLINE void *even(int n)
{
    return n == 0 ? AT(malloc(11)) : AT(odd(n - 1));
}

static NOINLINE void *odd(int n)
{
    void *extra = AT(malloc(13));
    USE(extra);
    return AT(even(n - 1));
}

NOINLINE void calls_recursion(void)
{
    struct node *kept = AT(tree(6));
    struct node *gone = AT(tree(4));
    USE(kept);
    RUN(prune(gone));
    void *p = AT(even(8));
    USE(p);
}

static NOINLINE void *by_malloc(size_t n)
{
    return AT(malloc(n));
}

static NOINLINE void *by_calloc(size_t n)
{
    return AT(calloc(n, 2));
}

NOINLINE void calls_pointer(void)
{
    static void *(*volatile const makers[])(size_t) = {by_malloc, by_calloc, malloc};
    for (size_t i = 0; i < 9; i++) {
        void *p = AT(makers[i % 3](i + 1));
        USE(p);
    }
    void (*volatile release)(void *) = free;
    RUN(release(AT(by_malloc(500))));
}
