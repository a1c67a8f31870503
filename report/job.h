/* SPDX-License-Identifier: MIT
 *
 * One dump on its way through the tool: loaded, symbolized, and handed to the verb.
 */
#ifndef REPORT_JOB_H
#define REPORT_JOB_H

#include "model.h"
#include "options.h"
#include "out.h"

struct sources;

struct job {
    const struct options *options;
    struct out *out;
    struct dump *dump;
    struct symbolizer *symbols;
    struct sources *sources;
    struct model *model;
    bool root_guessed;
};

/* Reports on the dump at PATH. Returns 0, or -1 when it cannot be used and a line has said why;
 * nothing has been printed then. Ends the tool on usage errors that only the dump shows. */
int job_run(const struct options *options, const char *path, struct out *out);

#endif
