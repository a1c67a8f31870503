/* SPDX-License-Identifier: MIT
 *
 * Output formats: one vtable each, in a file of its own. Reports come computed; a format only
 * decides how they look. Write errors stay in the stream, for out_commit to find.
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include "columns.h"
#include "leaks.h"
#include "lines.h"
#include "listing.h"
#include "out.h"
#include "out_diff.h"
#include "summary.h"
#include "tree.h"

struct lines_report {
    const struct lines *lines;     /* in the order of printing */
    const struct listing *listing; /* the same as in the source; NULL: a ranking was asked for */
    struct columns columns;
    bool self;
    bool filtered; /* globs were given: only lines that match */
};

struct leaks_report {
    const struct leaks *leaks;
    struct columns columns;
    size_t frames;       /* at most so many of a stack; 0: all */
    bool self;           /* only the line that is charged, not the whole stack */
    bool columns_wanted; /* they were asked for: the usual ones are in the headline already */
};

struct summary_report {
    const struct summary *summary;
    struct lines_report lines;
    struct leaks_report leaks;
};

struct tree_report {
    const struct tree *tree;
    struct columns columns;
};

struct format {
    const char *name;
    /* Around everything, and around each dump; any may be NULL. */
    void (*begin)(struct out *o);
    void (*end)(struct out *o);
    void (*dump_begin)(struct out *o);
    void (*dump_end)(struct out *o);
    void (*summary)(struct out *o, const struct summary_report *r);
    void (*lines)(struct out *o, const struct lines_report *r);
    void (*leaks)(struct out *o, const struct leaks_report *r);
    void (*tree)(struct out *o, const struct tree_report *r);
    void (*diff)(struct out *o, const struct diff_report *r);
};

extern const struct format format_text, format_json, format_csv, format_markdown;

/* The format called NAME, or NULL. */
const struct format *format_find(const char *name);

/* All of them; ends with NULL. */
extern const struct format *const formats[];

/* "libfoo.so" of "/usr/lib/libfoo.so"; "" of NULL. */
const char *format_base_name(const char *path);

#endif
