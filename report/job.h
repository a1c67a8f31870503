/* SPDX-License-Identifier: MIT
 *
 * One dump on its way through the tool: loaded, symbolized, and handed to the verb.
 */
#ifndef REPORT_JOB_H
#define REPORT_JOB_H

#include "model.h"
#include "options.h"
#include "out.h"
#include "progress.h"

struct sources;
struct stackset;

struct job {
    const struct options *options;
    struct out *out;
    struct dump *dump;
    struct symbolizer *symbols;
    struct sources *sources;
    struct model *model;
    bool root_guessed;
    struct progress progress;
};

/* Loads and symbolizes the dump at PATH; with BASELINE not NULL it may be a baseline instead, which
 * is read into that empty set and leaves the job without a dump. JOB must stay where it is until it
 * is closed. Returns 0, or -1 when it cannot be used and a line has said why. Ends the tool on
 * usage errors that only the dump shows. */
int job_open(struct job *job, const struct options *options, const char *path,
             struct stackset *baseline);
void job_close(struct job *job);

/* The same in two steps: nothing has a name yet, and then those frames have for which WANTED is
 * true. NULL: all, and the project root is chosen. */
int job_open_unnamed(struct job *job, const struct options *options, const char *path,
                     struct stackset *baseline);
void job_name(struct job *job, const bool *wanted);

/* Says what the reader of a table would otherwise not learn of the dump. Of one that the gate
 * refuses only the refusal is to be said: it calls this itself, job_open does for other verbs. */
void job_warn(const struct job *job);

/* Reports on the dump at PATH, by the verb's `run`. Returns as job_open; when it cannot be used,
 * nothing has been printed. */
int job_run(const struct options *options, const char *path, struct out *out);

#endif
