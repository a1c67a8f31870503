/* SPDX-License-Identifier: MIT
 *
 * Files of limits, which live in a project's repository: what a file, a function or a line may
 * allocate. One subject a line, then limits in pairs:
 *
 *     # subject            limits
 *     src/parser.c:parse   max-live 2M  max-allocs 1000
 *     src/parser.c:120     max-live 0
 *     src/cache.c          max-peak 64M
 *     ns::Cache::insert    max-allocs 10000
 *     *                    max-peak 1G
 *
 * A subject is FILE:FUNCTION, FILE:LINE, FILE (has a slash or a point), FUNCTION, or `*` for the
 * whole program; in double quotes if it has blanks. Files and functions are globs as in --file and
 * --function. An allocation counts for a subject if a frame of its stack is there.
 *
 * Owns the entries and their strings. Errors name line and column.
 */
#ifndef REPORT_GATE_LIMITS_H
#define REPORT_GATE_LIMITS_H

#include "dump.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be limited. */
struct limit_kind {
    const char *name;    /* "max-live" */
    size_t offset;       /* in struct dump_counters */
    bool bytes;          /* else a count */
    bool leak;           /* of blocks that were not freed */
    const char *meaning; /* "not freed" */
    const char *one;     /* of a single one, if it is counted: "block not freed" */
};

/* Ends with a NULL name. */
extern const struct limit_kind limit_kinds[];

struct limit {
    const char *subject;         /* as written */
    const char *file, *function; /* globs; NULL: any */
    uint32_t at;                 /* line of the source; 0: any */
    const struct limit_kind *kind;
    uint64_t most;
    const char *origin; /* the file that says so */
    size_t line;
};

struct pool;

struct limits {
    struct limit *list;
    size_t n, capacity;
    struct pool *strings;
};

struct limits limits_new(void);
void limits_free(struct limits *l);

/* Adds those in TEXT, which is cut into pieces; ORIGIN: for messages. Returns 0, or -1 with the
 * reason in ERROR. */
int limits_parse(struct limits *l, const char *origin, char *text, struct error *error);

/* The same for the file at PATH. */
int limits_read(struct limits *l, const char *path, struct error *error);

/* The counter that KIND is about. */
uint64_t limit_figure(const struct limit_kind *kind, const struct dump_counters *c);

#endif
