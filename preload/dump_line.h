/* SPDX-License-Identifier: MIT
 *
 * The two parts of a dump that have very many lines, one for each site and one for each frame, are
 * made up here as text, in room that the writer has set aside for a whole line: no check for each
 * number, no search for the end of each key. On the thread that writes the dump; nothing fails.
 */
#ifndef PRELOAD_DUMP_LINE_H
#define PRELOAD_DUMP_LINE_H

#include <memprof/format.h>
#include <stdint.h>

#include "json.h"
#include "sampler_dump.h"
#include "sites.h"

/* A histogram, and which of its buckets may be above 0. */
struct dump_histogram {
    uint64_t set;
    uint64_t bucket[MEMPROF_HISTOGRAM_BUCKETS];
};
_Static_assert(MEMPROF_HISTOGRAM_BUCKETS == 64, "a bit for each bucket");

/* One site's figures. */
struct dump_sums {
    uint64_t alloc_count, alloc_bytes, free_count, freed_bytes;
    uint64_t realloc_count, failed_count, temporary_count, threads;
    int64_t peak_count, peak_bytes, max_live_bytes;
    struct sampler_errors errors;
    struct dump_histogram sizes, lifetimes;
};

/* Bytes that a line takes at the most: some 15 numbers, and two for each bucket of histograms. */
#define DUMP_LINE_SITE ((size_t)4096)
#define DUMP_LINE_FRAME ((size_t)128)

/* Writes the line of SITE at TO, and returns its end: without the bracket that closes it, since
 * there may be more. */
char *dump_line_site(char *to, const struct site *site, const struct dump_sums *s);

/* What the last frame's line had, as text: the next one's parent is most often the next number, and
 * its module the same. */
#define DUMP_LINE_PART ((size_t)16)
struct dump_line_last {
    uint32_t parent;
    int32_t module;
    unsigned parent_length, module_length;
    char parent_text[JSON_DIGITS], module_text[JSON_DIGITS + 3];
};

void dump_line_begin(struct dump_line_last *last);

/* Of the same LAST, for one frame after the other: writes the line of one with OFFSET. */
char *dump_line_frame(char *to, struct dump_line_last *last, uint32_t parent, int32_t module,
                      uint64_t offset);

#endif
