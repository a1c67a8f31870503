/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <stdlib.h>

/* The first elements are a heap of the best so far, the last of them at its root. */
struct heap {
    char *base;
    size_t n, size;
    int (*compare)(const void *, const void *, void *);
    void *arg;
};

static void *at(const struct heap *h, size_t i)
{
    return h->base + i * h->size;
}

static int compare_at(const struct heap *h, size_t i, size_t k)
{
    return h->compare(at(h, i), at(h, k), h->arg);
}

static void swap(const struct heap *h, size_t i, size_t k)
{
    char *a = at(h, i), *b = at(h, k);
    for (size_t n = 0; n < h->size; n++) {
        char c = a[n];
        a[n] = b[n];
        b[n] = c;
    }
}

static void sift_down(const struct heap *h, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && compare_at(h, child + 1, child) > 0)
            child++;
        if (compare_at(h, child, i) <= 0)
            return;
        swap(h, child, i);
    }
}

void top_sort(void *base, size_t n, size_t size, size_t most,
              int (*compare)(const void *, const void *, void *), void *arg)
{
    struct heap h = {base, most && most < n ? most : n, size, compare, arg};
    for (size_t i = h.n / 2; h.n < n && i-- > 0;)
        sift_down(&h, i);
    for (size_t i = h.n; i < n; i++) {
        if (compare_at(&h, i, 0) < 0) {
            swap(&h, i, 0);
            sift_down(&h, 0);
        }
    }
    if (h.n > 1)
        qsort_r(base, h.n, size, compare, arg);
}
