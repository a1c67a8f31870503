/* SPDX-License-Identifier: MIT
 *
 * What a dump says, member by member, as include/memprof/dump.schema.json describes it. Where it
 * goes is dump.c's business. Runs as dump_write does.
 */
#ifndef PRELOAD_DUMP_CONTENT_H
#define PRELOAD_DUMP_CONTENT_H

#include "cause.h"
#include "dump_sites.h"
#include "json.h"
#include "recorder.h"

/* Writes the whole object to J. CAUSE may be NULL. SITES: from dump_sites_begin. */
void dump_content_write(struct json *j, struct recorder *r, const char *reason,
                        const struct cause *cause, struct dump_sites *sites);

#endif
