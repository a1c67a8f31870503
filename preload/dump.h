/* SPDX-License-Identifier: MIT
 *
 * Writes a dump of the recorder, as include/memprof/format.h and dump.schema.json say. Runs under
 * the guard on any thread, also in a signal handler that did not interrupt the recorder; allocates
 * nothing but one temporary mapping. Other threads go on recording meanwhile: each site's figures
 * are consistent, and the totals are the sums of what was written.
 */
#ifndef PRELOAD_DUMP_H
#define PRELOAD_DUMP_H

#include <stdbool.h>

#include "cause.h"
#include "outfile.h"
#include "recorder.h"

struct dump_facts;

struct dump_request {
    const char *reason;        /* "exit", "signal", .. */
    const char *pattern;       /* NULL: as MEMPROF_OUT says */
    bool replaced;             /* the name is to be one of this image of the process alone */
    bool quiet;                /* no line that names the dump */
    const struct cause *cause; /* NULL: nothing that the reason does not say */
    char *path;                /* OUTFILE_PATH_MAX bytes for the name that was used; may be NULL */
    const struct dump_facts *facts; /* of another process; NULL: it is this one */
    int writer;                     /* this process, if the dump is of another; else 0 */
    struct outfile *names; /* for the warden, who puts the file into place by them; may be NULL */
};

/* Returns 0; -1 after one line on standard error that says why not. */
int dump_write(struct recorder *r, const struct dump_request *request);

/* The thread that was in dump_write will not go on: removes the file that it was writing. */
void dump_abandon(void);

#endif
