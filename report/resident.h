/* SPDX-License-Identifier: MIT
 *
 * What the resident set of a dump's process consisted of, as rows that add up to it.
 */
#ifndef REPORT_RESIDENT_H
#define REPORT_RESIDENT_H

#include "dump.h"

struct resident_row {
    const char *key, *label;
    uint64_t bytes;
    bool negative; /* that much less than nothing: only of what cannot be attributed */
    double percent;
    const char *meaning;
};

#define RESIDENT_MAX 16

struct resident {
    struct resident_row rows[RESIDENT_MAX];
    size_t n; /* 0: the dump does not tell */
};

/* Rows of nothing are left out, but what is not attributed is always told. */
struct resident resident_of(const struct dump *dump);

#endif
