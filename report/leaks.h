/* SPDX-License-Identifier: MIT
 *
 * What was not freed at the dump: one record per stack.
 */
#ifndef REPORT_LEAKS_H
#define REPORT_LEAKS_H

#include "columns.h"
#include "model.h"

struct leak_record {
    uint32_t frame; /* the stack: model_stack */
    struct figures figures;
    struct model_ref *stack; /* innermost first; filled in by leaks_limit */
    size_t depth;
};

struct leaks {
    const struct model *model;
    struct leak_record *records;
    size_t n;
    struct figures total; /* of all records, left out or not */
    size_t stacks;
    size_t left_out;
};

/* The stacks that hold live blocks; the globs (NULL: any) must match a place of the stack. */
struct leaks leaks_new(const struct model *m, const char *file_glob, const char *function_glob);
void leaks_free(struct leaks *l);

/* Sorts by COLUMN, the greatest first. */
void leaks_sort(struct leaks *l, const struct column *column);

/* Keeps the first N records (0: all) and works out their stacks. */
void leaks_limit(struct leaks *l, size_t n);

#endif
