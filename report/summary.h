/* SPDX-License-Identifier: MIT
 *
 * What a dump says as a whole.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "dump.h"
#include "leaks.h"
#include "listing.h"

/* One line of the table of totals. */
struct summary_total {
    const char *key, *label;
    bool has_bytes, has_count;
    bool mappings; /* what is counted, where all else is blocks */
    uint64_t bytes, count;
    const char *meaning;
    uint64_t bytes_error, count_error; /* standard errors; 0: none is known */
};

#define SUMMARY_TOTALS_MAX 32

struct summary {
    const struct dump *dump;
    struct summary_total totals[SUMMARY_TOTALS_MAX];
    size_t ntotals;
    const char *root;  /* project root; NULL: none */
    bool root_guessed; /* picked without being asked for */
};

/* The totals; the root is the caller's to fill in. */
struct summary summary_new(const struct dump *dump);

#endif
