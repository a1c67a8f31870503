/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch.h"

static struct {
    char class_name[32], log[4096];
    unsigned long first, last;
} plan;

enum { UNREAD, READING, READ };
static _Atomic int state = UNREAD;
static _Atomic unsigned long calls;

static long call(long number, long a, long b, long c, long d)
{
    return arch_system_call(number, a, b, c, d, 0, 0);
}

static unsigned long number_at(const char **p)
{
    unsigned long n = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        n = n * 10 + (unsigned long)(**p - '0');
    }
    return n;
}

static void read_plan(const char *value)
{
    const char *colon = strchr(value, ':');
    if (!colon || (size_t)(colon - value) >= sizeof plan.class_name) {
        return;
    }
    memcpy(plan.class_name, value, (size_t)(colon - value));
    const char *p = colon + 1;
    plan.first = number_at(&p);
    plan.last = plan.first;
    if (*p == '-') {
        p++;
        plan.last = *p ? number_at(&p) : ULONG_MAX;
    }
}

/* libc's own pointer to the environment may not be set yet. */
static void read_environment(void)
{
    static char text[1 << 16];
    size_t length = 0;
    long fd = call(SYS_openat, AT_FDCWD, (long)"/proc/self/environ", O_RDONLY | O_CLOEXEC, 0);
    for (long n = 1; fd >= 0 && n > 0 && length<sizeof text - 1; length += n> 0 ? (size_t)n : 0) {
        n = call(SYS_read, fd, (long)(text + length), (long)(sizeof text - 1 - length), 0);
    }
    if (fd >= 0) {
        call(SYS_close, fd, 0, 0, 0);
    }
    for (const char *p = text; p < text + length; p += strlen(p) + 1) {
        if (strncmp(p, "MEMPROF_FAULT=", 14) == 0) {
            read_plan(p + 14);
        } else if (strncmp(p, "MEMPROF_FAULT_LOG=", 18) == 0 && strlen(p + 18) < sizeof plan.log) {
            strcpy(plan.log, p + 18);
        }
    }
}

static void log_failure(unsigned long n)
{
    char line[64];
    size_t length = strlen(plan.class_name), end = sizeof line - 1;
    long fd =
        call(SYS_openat, AT_FDCWD, (long)plan.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    line[end] = '\n';
    do {
        line[--end] = (char)('0' + n % 10);
    } while (n /= 10);
    line[--end] = ' ';
    memcpy(line + (end -= length), plan.class_name, length);
    if (fd >= 0) {
        call(SYS_write, fd, (long)(line + end), (long)(sizeof line - end), 0);
        call(SYS_close, fd, 0, 0, 0);
    }
}

bool plan_fails(const char *class_name)
{
    int expected = UNREAD;
    if (atomic_compare_exchange_strong(&state, &expected, READING)) {
        read_environment();
        atomic_store(&state, READ);
    }
    if (atomic_load(&state) != READ || strcmp(class_name, plan.class_name) != 0) {
        return false;
    }
    unsigned long n = atomic_fetch_add(&calls, 1) + 1;
    if (n < plan.first || n > plan.last) {
        return false;
    }
    log_failure(n);
    return true;
}
