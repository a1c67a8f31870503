/* SPDX-License-Identifier: MIT */
#include "footprint.h"

void footprint_look(struct recorder *r)
{
    struct footprint_reading reading = {.elapsed_ns = clock_elapsed_ns(&r->clock)};
    struct memory memory;
    memory_read(&memory, r);
    footprint_read(&reading.footprint, &memory, r, NULL, 0, r->sampler.on);
    reading.peak_rss_bytes = memory.peak_rss_bytes;
    reading.profiler_bytes = memory.profiler_bytes;
    footprint_kept_store(&r->footprint, &reading, clock_elapsed_ns(&r->clock));
}

void footprint_write(struct json *j, const struct footprint *f, uint64_t profiler)
{
    if (f->cgroup_limit) {
        json_open(j, "cgroup", '{');
        json_uint(j, "limit_bytes", f->cgroup_limit);
        json_uint(j, "used_bytes", f->cgroup_used);
        json_close(j, '}');
    }
    if (!f->known) {
        return;
    }
    uint64_t sum = profiler;
    json_open(j, "resident", '{');
#define X(name)                                                                                    \
    json_uint_nonzero(j, #name "_bytes", f->name);                                                 \
    sum += f->name;
    FOOTPRINT_ROWS(X)
#undef X
    json_uint(j, "profiler_bytes", profiler);
    json_int(j, "unattributed_bytes", (int64_t)(f->rss - sum));
    json_close(j, '}');
}

void footprint_write_kept(struct json *j, const struct footprint_reading *reading)
{
    footprint_write(j, &reading->footprint, reading->profiler_bytes);
    json_open(j, "resident_at", '{');
    json_uint(j, "elapsed_ns", reading->elapsed_ns);
    json_uint(j, "rss_bytes", reading->footprint.rss);
    json_close(j, '}');
}
