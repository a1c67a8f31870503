/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "arch.h"
#include "objects.h"
#include "real.h"
#include "sys.h"
#include "text.h"

struct process process;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void copy_argv(char **argv)
{
    size_t n = 0, bytes = 0;
    while (argv[n]) {
        bytes += strlen(argv[n++]) + 1;
    }
    bytes += (n + 1) * sizeof(char *);
    char **copy = sys_map(bytes);
    if (!copy) {
        return;
    }
    char *next = (char *)(copy + n + 1);
    for (size_t i = 0; i < n; i++) {
        copy[i] = next;
        size_t size = strlen(argv[i]) + 1;
        memcpy(next, argv[i], size);
        next += size;
    }
    process.argv = (const char *const *)copy;
    process.argv_bytes = bytes;
}

static void find_start_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    process.start_seconds = now.tv_sec;
    struct text t = text_begin(process.start_time, sizeof process.start_time);
    text_time(&t, now.tv_sec, (uint32_t)now.tv_nsec);
}

/* What provides the real malloc, by the file it is in. */
static void find_allocator(void)
{
    static const char *const known[] = {"jemalloc", "tcmalloc", "mimalloc", "hoard",
                                        "snmalloc", "scudo",    "rpmalloc"};
    struct text t = text_begin(process.allocator, sizeof process.allocator);
    struct object object;
    if (!object_find((uintptr_t)real.malloc, &object)) {
        text_string(&t, "unknown");
        return;
    }
    const char *name = base_name(object.name);
    if (strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-", 5) == 0) {
        text_string(&t, "glibc ");
        text_string(&t, gnu_get_libc_version());
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(name, known[i])) {
            text_string(&t, known[i]);
            return;
        }
    }
    text_string(&t, *name ? name : "in the executable");
}

/* Whether PID has this library mapped: then it is being recorded, too. 0: a process of another PID
 * namespace, which cannot be looked into. */
static bool is_recorded(int pid)
{
    static char buffer[16384];
    char path[40];
    text_proc(path, sizeof path, pid, "maps");
    int fd = pid ? sys_open(path, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0) {
        return false;
    }
    static const char name[] = "/libmemprof.so";
    size_t kept = 0;
    ssize_t n;
    bool found = false;
    while (!found && (n = sys_read(fd, buffer + kept, sizeof buffer - 1 - kept)) > 0) {
        size_t length = kept + (size_t)n;
        found = memmem(buffer, length, name, sizeof name - 1) != NULL;
        kept = length < sizeof name ? length : sizeof name;
        memmove(buffer, buffer + length - kept, kept);
    }
    sys_close(fd);
    return found;
}

void process_describe(char **argv)
{
    if (argv) {
        copy_argv(argv);
    }
    if (sys_call(SYS_getcwd, (long)process.cwd, sizeof process.cwd, 0, 0, 0, 0) < 0 ||
        process.cwd[0] != '/') {
        process.cwd[0] = '\0';
    }
    struct utsname names;
    if (uname(&names) == 0) {
        struct text t = text_begin(process.hostname, sizeof process.hostname);
        text_string(&t, names.nodename);
    }
    process.arch = ARCH_NAME;
    find_start_time();
    find_allocator();
    process.descendant = is_recorded((int)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0));
}

bool process_has_glibc_blocks(void)
{
    return strncmp(process.allocator, "glibc ", 6) == 0 && !process.rebound &&
           !process.operators_rebound;
}

void process_forked(void)
{
    find_start_time();
    process.descendant = true;
}
