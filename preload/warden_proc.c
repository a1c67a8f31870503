/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sys.h"
#include "text.h"
#include "warden_parts.h"

static int open_of(int pid, const char *name)
{
    char path[40];
    text_proc(path, sizeof path, pid, name);
    return sys_open(path, O_RDONLY | O_CLOEXEC, 0);
}

static const char *hex(const char *p, uintptr_t *value)
{
    *value = 0;
    for (;; p++) {
        const unsigned digit = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
                               : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
                                                        : 16;
        if (digit == 16) {
            return p;
        }
        *value = *value << 4 | digit;
    }
}

/* START-END PERM OFFSET DEVICE INODE, and after blanks the name, if any (proc_pid_maps(5)). */
static bool parse(const char *line, struct warden_area *area)
{
    const char *p = hex(line, &area->start);
    p = hex(p + (*p == '-'), &area->end);
    if (p[0] != ' ' || strlen(p) < 5) {
        return false;
    }
    area->file = false;
    area->writable = p[2] == 'w';
    area->shared = p[4] == 's';
    for (int fields = 0; fields < 4 && p; fields++) {
        p = strchr(p + 1, ' ');
        if (fields == 2 && p) {
            area->file = p[1] != '0';
        }
    }
    while (p && *p == ' ') {
        p++;
    }
    area->name = p ? p : "";
    return true;
}

bool warden_areas(int pid, bool (*visit)(const struct warden_area *area, void *arg), void *arg)
{
    static char buffer[2 * 4096];
    size_t used = 0;
    bool more = true;
    const int fd = open_of(pid, "maps");
    if (fd < 0) {
        return false;
    }
    while (more) {
        const ssize_t n = sys_read(fd, buffer + used, sizeof buffer - 1 - used);
        if (n <= 0) {
            break;
        }
        used += (size_t)n;
        buffer[used] = '\0';
        char *line = buffer;
        for (char *end; more && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            struct warden_area area;
            *end = '\0';
            more = !parse(line, &area) || visit(&area, arg);
        }
        used -= (size_t)(line - buffer);
        used = used < sizeof buffer - 1 ? used : 0; /* no line is that long */
        memmove(buffer, line, used);
    }
    sys_close(fd);
    return true;
}

uint64_t warden_rights(int pid)
{
    static const char *const names[] = {
        "Uid:", "Gid:", "Groups:", "CapPrm:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"};
    static char buffer[2 * 4096];
    const int fd = open_of(pid, "status");
    const ssize_t n = fd < 0 ? -1 : sys_read(fd, buffer, sizeof buffer - 1);
    uint64_t hash = 14695981039346656037u;
    size_t found = 0;
    if (fd >= 0) {
        sys_close(fd);
    }
    buffer[n > 0 ? n : 0] = '\0';
    for (const char *line = buffer; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                found++;
                for (const char *c = line; *c && *c != '\n'; c++) {
                    hash = (hash ^ (unsigned char)*c) * 1099511628211u;
                }
            }
        }
    }
    return found > 3 ? hash | 1 : 0;
}

/* Where lines are counted the counters lie in a file that is mapped (tests/coverage). */
#ifdef MEMPROF_COUNTED
#define COUNTED true
#else
#define COUNTED false
#endif

/* Sanitizers' own functions stand in for libc's, and need memory that looks like the program's. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __hwasan_init(void) __attribute__((weak));

struct shed {
    uintptr_t keep, tls, file_end; /* where the last area of a file ends: its zeroed data follow */
};

#define WORTH ((size_t)256 << 10)

static bool holds(const struct warden_area *area, uintptr_t address)
{
    return address - area->start < area->end - area->start;
}

static bool shed(const struct warden_area *area, void *arg)
{
    struct shed *s = arg;
    const long start = (long)area->start, size = (long)(area->end - area->start);
    if (area->file) {
        s->file_end = area->end;
    }
    if (holds(area, s->keep) || holds(area, s->tls)) {
        return true;
    }
    if (area->shared) {
        /* The program may be about to give it up, and others to wait for that. */
        if (!COUNTED && strncmp(area->name, "/memfd:memprof", strlen("/memfd:memprof")) != 0) {
            sys_call(SYS_munmap, start, size, 0, 0, 0, 0);
        }
    } else if (strcmp(area->name, "[stack]") == 0) {
        /* With the program's arguments: it is not to be found by them. */
        sys_call(SYS_munmap, start, size, 0, 0, 0, 0);
    } else if (!area->file && area->writable && area->start != s->file_end &&
               (strcmp(area->name, "[heap]") == 0 || (area->end - area->start >= WORTH))) {
        sys_call(SYS_madvise, start, size, MADV_DONTNEED, 0, 0, 0);
    }
    return true;
}

void warden_shed(uintptr_t keep)
{
    if (!__asan_init && !__tsan_init && !__msan_init && !__hwasan_init) {
        struct shed s = {.keep = keep, .tls = (uintptr_t)&guard_tls};
        warden_areas(0, shed, &s);
    }
}

static long link_of(const char *path, char *to, size_t size)
{
    return sys_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)to, (long)size, 0, 0);
}

bool warden_would_be_near(void)
{
    char self[64], children[64];
    const long n = link_of("/proc/self/ns/pid", self, sizeof self);
    return n > 0 && link_of("/proc/self/ns/pid_for_children", children, sizeof children) == n &&
           memcmp(self, children, (size_t)n) == 0;
}
