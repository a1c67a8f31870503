/* SPDX-License-Identifier: MIT
 *
 * Files of suppressions: LeakSanitizer's, and what memprof adds in comments, which LeakSanitizer
 * passes over:
 *
 *     # a comment
 *     leak:libfoo.so
 *     #memprof: top expires 2027-01-01 issue https://example.org/7
 *     leak:^parse_header$
 *     #memprof: only:src/mine/
 *
 * A `#memprof:` line with words is about the next `leak:` line: `top`: the function that calls the
 * allocator, no other; `function`, `file`, `module`: only these names are compared; `expires DAY`:
 * from that day on (UTC) it is as if the line were not there, and the report says so; `issue TEXT`:
 * printed with each use. With `only:` patterns, only the leaks that one of them matches are judged.
 *
 * Owns the entries and their strings. Errors name line and column.
 */
#ifndef REPORT_GATE_SUPPRESSIONS_H
#define REPORT_GATE_SUPPRESSIONS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names that a pattern is compared with. */
enum {
    SUPPRESS_FUNCTION = 1,
    SUPPRESS_FILE = 2,
    SUPPRESS_MODULE = 4,
    SUPPRESS_NAMES = 7,
};

struct suppression {
    const char *pattern;
    const char *origin; /* file, or dump that it was embedded in */
    size_t line;
    unsigned names;
    bool only;           /* of the allow-list */
    bool top;            /* the function that calls the allocator */
    bool expired;        /* not applied any more */
    bool embedded;       /* the program brought it */
    const char *expires; /* NULL: never */
    const char *issue;   /* NULL: none */
    /* What it did: counted by whoever applies it. */
    uint64_t stacks, blocks, bytes;
};

struct pool;

struct suppressions {
    struct suppression *list;
    size_t n, capacity;
    bool has_only;
    struct pool *strings;
};

/* "2026-11-23" in UTC, in BUFFER. */
#define SUPPRESSIONS_DAY 16
const char *suppressions_today(char buffer[SUPPRESSIONS_DAY]);

struct suppressions suppressions_new(void);
void suppressions_free(struct suppressions *s);

/* Adds the entries of TEXT, which is cut into pieces. ORIGIN: for messages and the report; TODAY:
 * what `expires` is compared with. Returns 0, or -1 with the reason in ERROR. */
int suppressions_parse(struct suppressions *s, const char *origin, char *text, const char *today,
                       struct error *error);

/* The same for the file at PATH. */
int suppressions_read(struct suppressions *s, const char *path, const char *today,
                      struct error *error);

/* Whether S matches a frame with these names (NULL: it has none). */
bool suppression_matches(const struct suppression *s, const char *function, const char *file,
                         const char *module);

#endif
