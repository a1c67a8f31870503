/* SPDX-License-Identifier: MIT */
#include "mapping_tree.h"

bool mapping_tree_reserve(struct mapping_tree *t)
{
    unsigned n = 0;
    for (const struct piece *p = t->spare; p && n < MAPPING_TREE_MOST; p = p->right) {
        n++;
    }
    for (; n < MAPPING_TREE_MOST; n++) {
        struct piece *p = arena_alloc(&t->arena, sizeof *p);
        if (!p) {
            return false;
        }
        mapping_tree_drop(t, p);
    }
    return true;
}

void mapping_tree_drop(struct mapping_tree *t, struct piece *piece)
{
    piece->of = NULL;
    piece->left = NULL;
    piece->right = t->spare;
    t->spare = piece;
}

/* The pieces of ROOT that start below AT, and the others. */
static void split(struct piece *root, uintptr_t at, struct piece **low, struct piece **high)
{
    while (root) {
        if (root->start < at) {
            *low = root;
            low = &root->right;
            root = root->right;
        } else {
            *high = root;
            high = &root->left;
            root = root->left;
        }
    }
    *low = *high = NULL;
}

/* One tree of two, all of LOW being below all of HIGH. */
static struct piece *merge(struct piece *low, struct piece *high)
{
    struct piece *root = NULL, **to = &root;
    while (low && high) {
        if (low->priority > high->priority) {
            *to = low;
            to = &low->right;
            low = low->right;
        } else {
            *to = high;
            to = &high->left;
            high = high->left;
        }
    }
    *to = low ? low : high;
    return root;
}

/* xorshift64*, see G. Marsaglia, Xorshift RNGs, 2003. */
static uint64_t draw(struct mapping_tree *t)
{
    uint64_t x = t->random ? t->random : 0x9e3779b97f4a7c15u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    t->random = x;
    return x * 0x2545f4914f6cdd1du;
}

void mapping_tree_put_back(struct mapping_tree *t, struct piece *piece)
{
    struct piece *low, *high;
    split(t->root, piece->start, &low, &high);
    piece->left = piece->right = NULL;
    t->root = merge(merge(low, piece), high);
}

void mapping_tree_add(struct mapping_tree *t, uintptr_t start, uintptr_t end, struct mapping *of)
{
    struct piece *piece = t->spare;
    t->spare = piece->right;
    *piece = (struct piece){.start = start, .end = end, .of = of, .priority = draw(t)};
    of->pieces++;
    mapping_tree_put_back(t, piece);
}

/* Makes two of the piece that lies on both sides of AT, if there is one. */
static void divide(struct mapping_tree *t, uintptr_t at)
{
    struct piece *piece = mapping_tree_at(t, at);
    if (piece && piece->start < at) {
        const uintptr_t end = piece->end;
        piece->end = at;
        mapping_tree_add(t, at, end, piece->of);
    }
}

/* The pieces of ROOT as a list. */
static struct piece *flatten(struct piece *root)
{
    struct piece *list = NULL, **to = &list;
    while (root) {
        struct piece *left = root->left;
        if (left) {
            root->left = left->right;
            left->right = root;
            root = left;
        } else {
            *to = root;
            to = &root->right;
            root = root->right;
        }
    }
    return list;
}

struct piece *mapping_tree_cut(struct mapping_tree *t, uintptr_t start, uintptr_t end)
{
    if (start >= end) {
        return NULL;
    }
    divide(t, start);
    divide(t, end);
    struct piece *low, *within, *high;
    split(t->root, start, &low, &high);
    split(high, end, &within, &high);
    t->root = merge(low, high);
    return flatten(within);
}

struct piece *mapping_tree_at(const struct mapping_tree *t, uintptr_t address)
{
    struct piece *found = NULL;
    for (struct piece *p = t->root; p;) {
        if (p->end > address) {
            found = p;
            p = p->left;
        } else {
            p = p->right;
        }
    }
    return found;
}
