/* SPDX-License-Identifier: MIT
 *
 * The verbs: each turns a model into reports and has the format print them.
 */
#ifndef REPORT_VERBS_H
#define REPORT_VERBS_H

#include <stddef.h>

struct job;
struct options;
struct out;

struct verb {
    const char *name;
    unsigned bit; /* FOR_SUMMARY, .. */
    const char *help;
    void (*run)(const struct job *job); /* for each dump */
    /* Instead, for all dumps together: the exit status. Nothing is printed with EXIT_UNUSABLE. */
    int (*run_all)(const struct options *options, struct out *out);
};

/* The default first; ends with a NULL name. */
extern const struct verb verbs_table[];

const struct verb *verbs_find(const char *name);

/* All names, with commas, in BUFFER. */
const char *verbs_names(char *buffer, size_t size);

#endif
