/* SPDX-License-Identifier: MIT
 *
 * A small module to fuzz the symbolizer with, compiled in several ways: inlined functions, ranges,
 * a name in a namespace's disguise. Nothing of it is run.
 */
struct node {
    struct node *next;
    int value;
};

int seed_walk(struct node *first, int (*visit)(int));
int seed_twice(int x) __asm__("_ZN4seed5twiceEi");

static inline __attribute__((always_inline)) int inner(int x)
{
    return x * 3 + 1;
}

static inline __attribute__((always_inline)) int outer(int x)
{
    return x > 7 ? inner(x) : inner(-x);
}

int seed_twice(int x)
{
    return outer(x) + outer(x + 1);
}

int seed_walk(struct node *first, int (*visit)(int))
{
    int sum = 0;
    for (struct node *n = first; n; n = n->next) {
        if (__builtin_expect(n->value < 0, 0)) {
            return -1;
        }
        sum += visit(outer(n->value));
    }
    return sum;
}
