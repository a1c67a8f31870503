/* SPDX-License-Identifier: MIT
 *
 * Lines in the order of the source, with the lines around them that allocate nothing: whole
 * functions, or some context.
 */
#ifndef REPORT_LISTING_H
#define REPORT_LISTING_H

#include "lines.h"

struct sources;

#define LISTING_WHOLE UINT32_MAX

struct listing_row {
    uint32_t line;              /* 0: lines were left out here */
    const struct line_row *row; /* NULL: nothing is charged to the line */
    const char *text;           /* NULL: the source cannot be read */
};

struct listing_file {
    const char *name;
    struct listing_row *rows;
    size_t n;
    uint64_t peak_bytes, live_bytes; /* allocated by its lines themselves */
};

/* A row without line information. */
struct listing_unlined {
    const struct line_row *row;
};

struct listing {
    struct listing_file *files; /* what allocates most first */
    size_t n;
    struct listing_unlined *unlined; /* most charged first */
    size_t nunlined;
};

/* Fills in the text of each line that can be read. The model's symbolizer warns if it is newer than
 * the program. */
void listing_read_sources(struct lines *l, struct sources *sources);

/* Lists L, which must outlive the listing; CONTEXT lines of the function around each line, or
 * LISTING_WHOLE. */
struct listing listing_new(const struct lines *l, struct sources *sources, uint32_t context);
void listing_free(struct listing *listing);

#endif
