/* SPDX-License-Identifier: MIT
 *
 * What a dump means: every address symbolized once and taken apart into source-level places,
 * inlined functions included. Computed once; lines.h, leaks.h and tree.h group over it. The work is
 * linear in the number of frames, however deep the stacks.
 */
#ifndef REPORT_MODEL_H
#define REPORT_MODEL_H

#include "codes.h"
#include "dump.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sources;
struct symbolizer;

#define MODEL_NONE UINT32_MAX

/* A line of a function or, without line information, an address. Places that agree in function,
 * file and line (without: in function and module) are one. */
struct place {
    const char *function; /* never NULL */
    const char *file;     /* NULL without line information */
    const char *module;   /* path; NULL for code that has none */
    const char *linkage;  /* or NULL */
    uint32_t line;        /* 0 without line information */
    uint32_t function_line;
    bool own; /* below the project root */
    /* Where it was first met, to ask the symbolizer about the function around it. */
    const struct dump_module *where; /* NULL: interpreted, or no module */
    uint64_t address;
};

struct model_ref {
    uint32_t place : 31;
    uint32_t inlined : 1; /* into the next one */
};

struct model {
    const struct dump *dump;
    struct symbolizer *symbols;
    struct place *places;
    size_t nplaces;
    struct codes codes;
    /* The places of code C, innermost first: refs[first_ref[C]] up to first_ref[C + 1]; none if it
     * was not looked up. */
    struct model_ref *refs;
    uint32_t *first_ref;
    bool *named; /* by code: was looked up */
    /* The place that calls the allocator, for stacks that end in frame F: see model_set_root. */
    uint32_t *self;
    const char *root;     /* NULL: no project root */
    struct pool *strings; /* made here */
};

/* Called now and then while symbols are looked up. */
typedef void model_progress(void *arg, size_t done, size_t total);

/* Symbolizes DUMP; both DUMP and SYMBOLS must outlive the model. PROGRESS may be NULL. */
struct model *model_new(const struct dump *dump, struct symbolizer *symbols,
                        model_progress *progress, void *arg);
void model_free(struct model *m);

/* In two steps, where it may be that not everything has to be looked up: a model in which nothing
 * is, and the look-up of the frames for which WANTED is true (NULL: all) besides those that were.
 * This makes all places anew; the root is to be set again. */
struct model *model_unnamed(const struct dump *dump, struct symbolizer *symbols);
void model_name(struct model *m, const bool *wanted, model_progress *progress, void *arg);

/* Charges each stack to its innermost place whose file is below the directory ROOT, by its name or
 * by that which SOURCES (may be NULL) map it to. Where there is none, and with ROOT NULL: to the
 * innermost place that is not an `operator new`. */
void model_set_root(struct model *m, const char *root, struct sources *sources);

/* The places of FRAME, innermost first: m->refs from `first` up to `end`. */
struct model_refs {
    uint32_t first, end;
};

static inline struct model_refs model_refs(const struct model *m, uint32_t frame)
{
    uint32_t code = m->codes.of[frame];
    return (struct model_refs){m->first_ref[code], m->first_ref[code + 1]};
}

/* The places of the stack that ends in FRAME, innermost first: an array of *N, to be freed. */
struct model_ref *model_stack(const struct model *m, uint32_t frame, size_t *n);

/* Whether P is of a C++ allocation function, which is nobody's "line that calls the allocator". */
bool model_is_operator_new(const struct place *p);

/* Whether FILE is in or below the directory ROOT. */
bool model_is_below(const char *file, const char *root);

/* Marks the frames at or below one whose place the globs match (NULL: any): an array of
 * dump->nframes, to be freed. Both must match the same place. */
bool *model_matching(const struct model *m, const char *file_glob, const char *function_glob);

/* Whether the globs (NULL: any) match PLACE. A file glob without '/' is for the base name, one with
 * it for as many components at the end; a function glob as function_name.h says. */
bool model_place_matches(const struct place *place, const char *file_glob,
                         const char *function_glob);

#endif
