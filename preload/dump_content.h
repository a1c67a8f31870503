/* SPDX-License-Identifier: MIT
 *
 * What a dump says, member by member, as include/memprof/dump.schema.json describes it. Where it
 * goes is dump.c's business. Runs as dump_write does.
 */
#ifndef PRELOAD_DUMP_CONTENT_H
#define PRELOAD_DUMP_CONTENT_H

#include "dump.h"
#include "dump_sites.h"
#include "json.h"
#include "memory.h"
#include "recorder.h"

/* What cannot be asked any more when the process has ended. */
struct dump_facts {
    uint64_t ppid;
    bool complete;
    struct memory memory;
};

/* Writes the whole object to J. SITES: from dump_sites_begin. */
void dump_content_write(struct json *j, struct recorder *r, const struct dump_request *q,
                        struct dump_sites *sites);

#endif
