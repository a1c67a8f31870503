/* SPDX-License-Identifier: MIT
 *
 * The options of `check`, and what each does with its value. Their rows are in options_table.c.
 */
#ifndef REPORT_GATE_CHECK_OPTIONS_H
#define REPORT_GATE_CHECK_OPTIONS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of leaks, as a set. LIVE: what was not freed, where nobody looked whether it can be
 * reached.
 */
enum {
    KIND_DEFINITE = 1,
    KIND_INDIRECT = 2,
    KIND_POSSIBLE = 4,
    KIND_REACHABLE = 8,
    KIND_LIVE = 16,
};

/* As LeakSanitizer has it: all that is lost. */
#define KINDS_USUAL (KIND_DEFINITE | KIND_INDIRECT | KIND_POSSIBLE | KIND_LIVE)

/* A limit of an option. */
struct check_limit {
    bool given;
    uint64_t most;
};

/* Names that an option may give more than once. */
struct check_names {
    const char **list;
    size_t n;
};

struct check_options {
    struct check_limit max_leak, max_leak_per_stack, max_peak, max_allocs;
    const char *baseline; /* NULL: none */
    bool update_baseline;
    bool has_tolerance;
    double tolerance; /* percent */
    unsigned kinds;   /* 0: not said */
    struct check_names suppressions, limits;
    bool gen_suppressions, fail_on_unused, count_runtime, dry_run, repeated;
    uint64_t per_iteration; /* 0: not said */
    /* Where else to write the verdict; NULL: nowhere. */
    const char *junit, *sarif, *markdown, *gitlab, *tap;
    bool github;
};

struct options;

/* For options_table.c: each takes the value of the option that it is named after. */
int check_set_max_leak(struct options *o, const char *value, struct error *error);
int check_set_max_leak_per_stack(struct options *o, const char *value, struct error *error);
int check_set_max_peak(struct options *o, const char *value, struct error *error);
int check_set_max_allocs(struct options *o, const char *value, struct error *error);
int check_set_baseline(struct options *o, const char *value, struct error *error);
int check_set_update_baseline(struct options *o, const char *value, struct error *error);
int check_set_tolerance(struct options *o, const char *value, struct error *error);
int check_set_kinds(struct options *o, const char *value, struct error *error);
int check_add_suppressions(struct options *o, const char *value, struct error *error);
int check_add_limits(struct options *o, const char *value, struct error *error);
int check_set_gen_suppressions(struct options *o, const char *value, struct error *error);
int check_set_fail_on_unused(struct options *o, const char *value, struct error *error);
int check_set_count_runtime(struct options *o, const char *value, struct error *error);
int check_set_per_iteration(struct options *o, const char *value, struct error *error);
int check_set_junit(struct options *o, const char *value, struct error *error);
int check_set_sarif(struct options *o, const char *value, struct error *error);
int check_set_markdown(struct options *o, const char *value, struct error *error);
int check_set_gitlab(struct options *o, const char *value, struct error *error);
int check_set_tap(struct options *o, const char *value, struct error *error);
int check_set_dry_run(struct options *o, const char *value, struct error *error);
int check_set_repeated(struct options *o, const char *value, struct error *error);
int check_set_github(struct options *o, const char *value, struct error *error);

/* What only the options together show. Returns 0, or -1 with the whole message in ERROR. */
int check_options_agree(const struct check_options *c, struct error *error);

/* Frees what the setters allocated. */
void check_options_drop(struct check_options *c);

#endif
