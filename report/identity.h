/* SPDX-License-Identifier: MIT
 *
 * What stays of a stack when the program is built again: for each source-level frame, inlined ones
 * included, the module's base name, the function, and how many lines below the function's
 * declaration the call stands. No address, no path, no line that moves when a function does.
 *
 * Left out, since they change without the program changing: the code that starts programs and
 * threads, what the C library does inside (its frames in a row are one without a name), operator
 * new, the lines of system headers and of the C++ run-time library, parameters and template
 * arguments, versions of modules, and suffixes of functions that the compiler split or copied.
 *
 * A table holds the identities of the sets that are compared, as a tree of frames from the
 * outermost inward: equal stacks are the same node. Does not fail (memory.h). Not thread-safe.
 */
#ifndef REPORT_IDENTITY_H
#define REPORT_IDENTITY_H

#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_ROOT 0 /* the node of the empty stack */
#define IDENTITY_NO_LINE INT32_MIN

struct identity_frame {
    const char *module;   /* "libfoo.so", interned; NULL: code of no module */
    const char *function; /* "ns::parse", interned; NULL: has no name */
    int32_t line;         /* lines below the declaration; IDENTITY_NO_LINE: not known */
    uint32_t call;        /* the same without its line: the frames that agree in this are calls by
                             one function */
};

struct identity_node {
    uint32_t parent; /* the next frame outward */
    uint32_t frame;  /* of the root: not used */
    uint32_t depth;  /* frames from here outward */
    uint32_t calls;  /* the node of the same stack without lines */
};

struct identities;

struct identities *identities_new(void);
void identities_free(struct identities *t);

/* The frame with these parts; the strings are copied. MODULE and FUNCTION may be NULL. */
uint32_t identities_frame(struct identities *t, const char *module, const char *function,
                          int32_t line);

/* The stack NODE, longer by FRAME at its inner end. */
uint32_t identities_push(struct identities *t, uint32_t node, uint32_t frame);

/* Both are valid until the next frame or node is made. */
const struct identity_frame *identities_frame_at(const struct identities *t, uint32_t frame);
const struct identity_node *identities_node_at(const struct identities *t, uint32_t node);

/* The innermost frame of NODE, which is not the root. */
const struct identity_frame *identities_innermost(const struct identities *t, uint32_t node);

size_t identities_nodes(const struct identities *t);

/* An order that depends on nothing but what the stacks are: by functions and modules from the
 * outermost frame inward, then by lines. 0 only for the same node. */
int identities_compare(const struct identities *t, uint32_t a, uint32_t b);

#define IDENTITY_NO_FRAME UINT32_MAX

/* Whether P is code that comes with the compiler and the system, inlined or not: not the C
 * library. */
bool identity_is_of_the_system(const struct place *p);

/* Whether the module at PATH is of the C library: in identities its functions have no names. */
bool identity_is_c_library(const char *path);

/* The frame that stands for the place P of a model; IDENTITY_NO_FRAME: it is left out. */
uint32_t identities_frame_of_place(struct identities *t, const struct place *p);

/* The nodes of all stacks of M for whose frame WANTED is true: an array of dump->nframes, to be
 * freed; what is not wanted has IDENTITY_ROOT. */
uint32_t *identities_of_model(struct identities *t, const struct model *m, const bool *wanted);

#endif
