/* SPDX-License-Identifier: MIT
 *
 * The call tree: top-down (callers above what they call) or bottom-up (what allocates above who
 * called it). Small and numerous children are left out, and counted.
 */
#ifndef REPORT_TREE_H
#define REPORT_TREE_H

#include "columns.h"
#include "model.h"

#define TREE_MAX_DEPTH 4096
#define TREE_USUAL_DEPTH 64

/* However much is asked for, a tree stops growing there. */
#define TREE_MAX_NODES 500000

struct tree_options {
    bool bottom_up;
    const struct column *value;            /* what percentages are of; its figures add up */
    const struct column *sort;             /* what children are sorted by; NULL: `value` */
    bool by_self;                          /* sort by what the places allocate themselves */
    bool lifetimes;                        /* figures have a median lifetime */
    size_t max_depth;                      /* 0: TREE_MAX_DEPTH */
    size_t max_children;                   /* of a node; 0: all, however small */
    const char *file_glob, *function_glob; /* stacks with a place that matches; NULL: any */
};

/* Children below this share of the whole are left out, unless all are asked for. */
#define TREE_LEAST_PERCENT 0.5

struct tree_node {
    uint32_t place;
    bool inlined;
    uint32_t depth;       /* 0: no caller (top-down), or what calls the allocator (bottom-up) */
    struct figures total; /* of the stacks through the node; settled */
    struct figures self;  /* of the stacks that end in it: top-down, those that allocate there */
    double percent;       /* of the whole tree's value */
    uint64_t left_out;    /* children that are not in the tree */
};

struct tree {
    const struct model *model;
    const struct column *value;
    bool bottom_up;
    struct figures whole;
    struct tree_node *nodes; /* parents before their children, in order of printing */
    size_t n;
    uint64_t left_out;  /* nodes without a parent */
    bool filtered;      /* a glob was given */
    bool whole_is_zero; /* there is nothing to have percentages of */
    bool deeper;        /* some nodes are left out for their depth */
    bool full;          /* some for the size of the tree */
};

struct tree tree_new(const struct model *m, const struct tree_options *options);
void tree_free(struct tree *t);

#endif
