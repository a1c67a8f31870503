/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include "footprint.h"
#include "process.h"
#include "resident.h"
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

/* The parts of the profiler's memory. Leaves parts_known false if the kernel does not tell. */
static void read_parts(struct memory *m, const struct recorder *r)
{
    for (int i = 0; i < PARTS; i++) {
        const int64_t kept = arena_pool_resident(&r->kept[i]);
        const int64_t counts = arena_pool_resident(&r->counts[i]);
        if (kept < 0 || counts < 0) {
            return;
        }
        m->part[i] = (uint64_t)(kept + counts);
    }
    const int64_t argv = resident_anonymous(process.argv, process.argv_bytes);
    m->part[PART_OTHER] += argv > 0 ? (uint64_t)argv : 0;
    const int64_t libraries = libraries_resident(&r->libraries);
    m->libraries_bytes = libraries > 0 ? (uint64_t)libraries : 0;
    m->parts_known = true;
}

static void read_profiler(struct memory *m, const struct recorder *r)
{
    for (int i = 0; i < PARTS; i++) {
        m->profiler_mapped_bytes += atomic_load(&r->kept[i].bytes);
        m->profiler_mapped_bytes += atomic_load(&r->counts[i].bytes);
    }
    read_parts(m, r);
    if (!m->parts_known) {
        m->profiler_bytes = m->profiler_mapped_bytes;
        return;
    }
    m->profiler_bytes = m->libraries_bytes;
    for (int i = 0; i < PARTS; i++) {
        m->profiler_bytes += m->part[i];
    }
}

void memory_add_dump(struct memory *m, const void *start, size_t size)
{
    const int64_t bytes = m->parts_known ? resident_anonymous(start, size) : 0;
    if (bytes > 0) {
        m->dump_bytes += (uint64_t)bytes;
        m->profiler_bytes += (uint64_t)bytes;
    }
}

void memory_read(struct memory *m, const struct recorder *r)
{
    char status[4096];
    memset(m, 0, sizeof *m);
    read_profiler(m, r);
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

static void write_parts(struct json *j, const struct memory *m)
{
    static const char *const names[] = {
#define X(part, name) [part] = (name),
        PARTS_EACH(X)
#undef X
    };
    if (!m->parts_known) {
        return;
    }
    json_open(j, "profiler", '{');
    for (int i = 0; i < PARTS; i++) {
        json_uint_nonzero(j, names[i], m->part[i]);
    }
    json_uint_nonzero(j, "libraries_bytes", m->libraries_bytes);
    json_uint_nonzero(j, "dump_bytes", m->dump_bytes);
    json_close(j, '}');
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
    json_uint_nonzero(j, "profiler_mapped_bytes", m->profiler_mapped_bytes);
    write_parts(j, m);
    if (m->footprint) {
        footprint_write(j, m->footprint, m->profiler_bytes);
    } else if (m->kept) {
        footprint_write_kept(j, m->kept);
    }
    json_close(j, '}');
    json_newline(j);
}

void memory_pages_of(int pid, struct memory_pages *p)
{
    char statm[160], path[40];
    text_proc(path, sizeof path, pid, "statm");
    uint64_t field[6] = {0}; /* size, resident, shared, text, 0, data */
    const char *at = sys_read_file(path, statm, sizeof statm) > 0 ? statm : NULL;
    for (int i = 0; at && i < 6; i++) {
        field[i] = number_at(at) * 4096;
        at = strchr(at + 1, ' ');
    }
    *p = (struct memory_pages){
        .size_bytes = field[0], .rss_bytes = field[1], .data_bytes = field[5]};
}

void memory_pages(struct memory_pages *p)
{
    memory_pages_of(0, p);
}

uint64_t memory_rss(void)
{
    struct memory_pages pages;
    memory_pages(&pages);
    return pages.rss_bytes;
}

uint64_t memory_of_machine(void)
{
    struct sysinfo info = {0};
    sys_call(SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0);
    return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
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
