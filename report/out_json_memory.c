/* SPDX-License-Identifier: MIT
 *
 * The summary's members about memory other than the heap's figures.
 */
#include "out_json_memory.h"
#include "resident.h"

#include <stdio.h>

/* The parts of the profiler's memory, if they are known. */
static void put_profiler(struct json_writer *w, const struct dump_profiler *p)
{
#define X(name, label, meaning) | p->name
    if ((0 DUMP_PROFILER_PARTS(X)) == 0)
        return;
#undef X
    json_write_key(w, "profiler");
    json_write_open(w, '{', JSON_ROW);
#define X(name, label, meaning)                                                                    \
    if (p->name)                                                                                   \
        json_write_count(w, #name "_bytes", p->name);
    DUMP_PROFILER_PARTS(X)
#undef X
    json_write_close(w, '}');
}

/* The totals of mappings, beside those of blocks. */
static void put_mappings(struct json_writer *w, const struct dump_recorded *mappings)
{
    json_write_key(w, "mmap_totals");
    json_write_open(w, '{', JSON_BLOCK);
#define X(name) json_write_count(w, #name, mappings->totals.c.name);
    DUMP_COUNTERS(X)
#undef X
    json_write_close(w, '}');
}

static void put_resident(struct json_writer *w, const struct dump *dump)
{
    const struct resident r = resident_of(dump);
    if (r.n == 0)
        return;
    json_write_key(w, "resident");
    json_write_open(w, '{', JSON_BLOCK);
    for (size_t i = 0; i < r.n; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s_bytes", r.rows[i].key);
        if (r.rows[i].negative)
            json_write_number(w, key, -(double)r.rows[i].bytes);
        else
            json_write_count(w, key, r.rows[i].bytes);
    }
    json_write_close(w, '}');
    if (!dump->resident_earlier)
        return;
    json_write_key(w, "resident_at");
    json_write_open(w, '{', JSON_ROW);
    json_write_count(w, "elapsed_ns", dump->resident_ns);
    json_write_count(w, "rss_bytes", dump->resident_rss_bytes);
    json_write_close(w, '}');
}

void json_memory(struct json_writer *w, const struct dump *dump)
{
    json_write_key(w, "memory");
    json_write_open(w, '{', JSON_ROW);
    json_write_count(w, "rss_bytes", dump->rss_bytes);
    json_write_count(w, "peak_rss_bytes", dump->peak_rss_bytes);
    json_write_count(w, "profiler_bytes", dump->profiler_bytes);
    json_write_close(w, '}');
    put_profiler(w, &dump->profiler);
    if (dump->of_mappings)
        return;
    put_resident(w, dump);
    if (dump->cgroup_limit) {
        json_write_key(w, "cgroup");
        json_write_open(w, '{', JSON_ROW);
        json_write_count(w, "used_bytes", dump->cgroup_used);
        json_write_count(w, "limit_bytes", dump->cgroup_limit);
        json_write_close(w, '}');
    }
    if (dump->has_mappings)
        put_mappings(w, &dump->mappings);
}
