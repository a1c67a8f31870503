/* SPDX-License-Identifier: MIT
 *
 * What is charged to a line, a stack or a node of the call tree: the counters of all its sites
 * added up. Sums saturate.
 */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include "dump.h"

#include <memprof/format.h>

/* The squares of standard errors, which add up. */
struct figures_variance {
#define X(name) double name;
    DUMP_ERRORS(X)
#undef X
};

struct figures {
    struct dump_counters c;
    struct figures_variance variance;
    uint64_t max_live_bytes; /* each site's own maximum, added up: an upper bound */
    uint64_t threads;        /* the most of any one site; 0: not told */
    uint64_t *lifetime;      /* MEMPROF_HISTOGRAM_BUCKETS counts of freed blocks; NULL: not kept */
    bool has_median;         /* figures_settle worked it out; `lifetime` is gone */
    uint64_t median_ns;
};

/* A + B, or the greatest number there is. */
uint64_t figures_sum(uint64_t a, uint64_t b);

/* Adds FROM's counters; its lifetimes only if both keep them. */
void figures_add(struct figures *to, const struct figures *from);

/* Adds DUMP's site INDEX; WITH_LIFETIME: makes TO keep lifetimes (figures_drop then frees them). */
void figures_add_site(struct figures *to, const struct dump *dump, size_t index,
                      bool with_lifetime);

/* The totals of DUMP. */
struct figures figures_of_dump(const struct dump *dump);

/* The standard error of which VARIANCE is the square. */
uint64_t figures_error(double variance);

/* Makes F keep lifetimes; figures_drop then frees them. */
void figures_keep_lifetimes(struct figures *f);

/* Adds COUNT lifetimes of BUCKET. */
void figures_add_lifetime(struct figures *to, size_t bucket, uint64_t count);

/* The median lifetime of freed blocks in nanoseconds, to within a factor of 1.5 either way; false
 * if there is none. */
bool figures_median_lifetime(const struct figures *f, uint64_t *ns);

/* Replaces the lifetimes by their median: F owns nothing then, and nothing is to be added to it. */
void figures_settle(struct figures *f);

/* What figures_settle would make of F; F keeps what it owns. */
struct figures figures_settled(const struct figures *f);

/* Adds FROM to TO, lifetimes included, and frees what FROM owns. */
void figures_hand_on(struct figures *to, struct figures *from);

/* Frees what F owns, not F. */
void figures_drop(struct figures *f);

#endif
