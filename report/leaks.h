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
};

/* The inner end of a record's stack. */
struct leak_stack {
    struct model_ref *refs; /* innermost first */
    size_t n;
    size_t left_out; /* places further out */
};

struct leaks {
    const struct model *model;
    struct leak_record *records;
    size_t n;
    struct figures total; /* of all records, left out or not */
    size_t stacks;
    size_t left_out;
    bool filtered; /* a glob was given: all this is of the stacks that match */
};

struct leaks_options {
    const char *file_glob, *function_glob; /* must match a place of the stack; NULL: any */
    const struct column *sort;             /* the greatest first */
    size_t limit;                          /* of the records that are kept; 0: all */
};

/* Whether what is live in D is what the program left when it ended, or when it was asked for. */
bool leaks_are_told(const struct dump *d);

/* The stacks that hold live blocks. */
struct leaks leaks_new(const struct model *m, const struct leaks_options *options);
void leaks_free(struct leaks *l);

/* The innermost LIMIT places (0: all) of a record's stack. Made one at a time: all the stacks of a
 * deep recursion would take the square of its depth. */
struct leak_stack leaks_stack(const struct leaks *l, const struct leak_record *r, size_t limit);
void leaks_stack_free(struct leak_stack *stack);

#endif
