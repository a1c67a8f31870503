/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <string.h>

#include "sys.h"
#include "text.h"

static uint64_t number_at(const char *p)
{
    uint64_t n = 0;
    while (*p == ' ' || *p == '\t') {
        p++;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
    }
    return n;
}

/* The value of the line of /proc/self/status that begins with "KEY:", in bytes. */
static uint64_t status_bytes(const char *status, const char *key)
{
    const char *line = strstr(status, key);
    return line ? number_at(line + strlen(key)) * 1024 : 0;
}

void memory_read(struct memory *m, const struct recorder *r)
{
    char status[4096];
    memset(m, 0, sizeof *m);
    m->profiler_bytes = atomic_load(&r->kept.bytes) + atomic_load(&r->counts.bytes);
    if (sys_read_file("/proc/self/status", status, sizeof status) <= 0) {
        return;
    }
    m->rss_bytes = status_bytes(status, "\nVmRSS:");
    m->peak_rss_bytes = status_bytes(status, "\nVmHWM:");
    m->anonymous_bytes = status_bytes(status, "\nRssAnon:");
    m->file_bytes = status_bytes(status, "\nRssFile:");
    m->shared_bytes = status_bytes(status, "\nRssShmem:");
    m->stack_bytes = status_bytes(status, "\nVmStk:");
    m->virtual_bytes = status_bytes(status, "\nVmSize:");
}

void memory_write(struct json *j, const struct memory *m)
{
    json_open(j, "memory", '{');
    json_uint(j, "rss_bytes", m->rss_bytes);
    json_uint(j, "peak_rss_bytes", m->peak_rss_bytes);
    json_uint(j, "profiler_bytes", m->profiler_bytes);
    json_uint_nonzero(j, "anonymous_bytes", m->anonymous_bytes);
    json_uint_nonzero(j, "file_bytes", m->file_bytes);
    json_uint_nonzero(j, "shared_bytes", m->shared_bytes);
    json_uint_nonzero(j, "stack_bytes", m->stack_bytes);
    json_uint_nonzero(j, "virtual_bytes", m->virtual_bytes);
    json_close(j, '}');
    json_newline(j);
}

uint64_t memory_rss(void)
{
    char statm[128];
    if (sys_read_file("/proc/self/statm", statm, sizeof statm) <= 0) {
        return 0;
    }
    const char *resident = strchr(statm, ' ');
    return resident ? number_at(resident) * 4096 : 0;
}

void memory_thread_name(int tid, char *name, size_t size)
{
    char path[64];
    struct text t = text_begin(path, sizeof path);
    text_string(&t, "/proc/self/task/");
    text_number(&t, (uint64_t)tid);
    text_string(&t, "/comm");
    ssize_t n = sys_read_file(path, name, size);
    name[n > 0 ? n : 0] = '\0';
    char *newline = strchr(name, '\n');
    if (newline) {
        *newline = '\0';
    }
}
