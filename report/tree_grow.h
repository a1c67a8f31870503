/* SPDX-License-Identifier: MIT
 *
 * Between tree.c and the two ways in which a tree grows.
 */
#ifndef REPORT_TREE_GROW_H
#define REPORT_TREE_GROW_H

#include "tree.h"

struct tree_growth {
    struct tree *tree;
    const struct tree_options *options;
    const bool *matching; /* by frame: whether the stacks that end there count */
    size_t capacity;
};

void tree_grow_top_down(struct tree_growth *g);
void tree_grow_bottom_up(struct tree_growth *g);

/* Appends NODE. */
void tree_push(struct tree_growth *g, const struct tree_node *node);

/* The share that F has in the value of the whole tree. */
double tree_percent(const struct tree_growth *g, const struct figures *f);

/* Whether a node of PERCENT is shown as child number INDEX of its parent, at DEPTH: if it is large
 * enough, and the tree neither too deep nor too large yet. */
bool tree_shows(struct tree_growth *g, double percent, size_t index, size_t depth);

/* The order of siblings of equal weight. */
int tree_compare_places(const struct tree_growth *g, uint32_t a, uint32_t b);

#endif
