/* SPDX-License-Identifier: MIT
 *
 * A part of out_json.c: the members of a summary that tell of memory as the kernel sees it.
 */
#ifndef REPORT_OUT_JSON_MEMORY_H
#define REPORT_OUT_JSON_MEMORY_H

#include "dump.h"
#include "json_write.h"

/* "memory", "profiler", "resident", "cgroup" and "mmap_totals", as far as DUMP has them. */
void json_memory(struct json_writer *w, const struct dump *dump);

#endif
