/* SPDX-License-Identifier: MIT
 *
 * preload_emulator: what the machine that this runs on lacks of what Linux promises and the library
 * relies on, a name a line, found out without the library. For tools/check-aarch64.sh: a test may
 * fail there only for the want of one of these.
 */
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames.h"

#define PAGE ((size_t)4096)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Whether TRY, in a child, comes to true. */
static bool works(bool (*try)(void))
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        _exit(try() ? 0 : 1);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
}

static char *map(int flags)
{
    void *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        abort();
    }
    return p;
}

/* MADV_WIPEONFORK: a child finds zeros. */
static bool wipes_on_fork(void)
{
    char *p = map(MAP_PRIVATE);
    *p = 1;
    if (madvise(p, PAGE, MADV_WIPEONFORK) != 0) {
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        _exit(*p);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
}

/* RLIMIT_AS: beyond it nothing is mapped. */
static bool limits_address_space(void)
{
    const struct rlimit limit = {PAGE, PAGE};
    return setrlimit(RLIMIT_AS, &limit) == 0 &&
           mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

/* mremap with an old size of 0: the same memory a second time. */
static bool maps_twice(void)
{
    char *p = map(MAP_SHARED), *q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
    if (q == MAP_FAILED) {
        return false;
    }
    *p = 7;
    return *q == 7;
}

/* MADV_POPULATE_WRITE, where it is known. */
static bool populates(void)
{
    char *p = map(MAP_PRIVATE);
    unsigned char there[2] = {0};
    return madvise(p, 2 * PAGE, MADV_POPULATE_WRITE) != 0 ||
           (mincore(p, 2 * PAGE, there) == 0 && (there[0] & there[1] & 1));
}

static bool has_seccomp(void)
{
    const unsigned kill = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) == 0;
}

/* /proc/self/smaps is this process's: our code can be executed. */
static bool tells_areas(void)
{
    char line[4352], permissions[5];
    FILE *f = fopen("/proc/self/smaps", "re");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        uintptr_t start, end, code = (uintptr_t)&tells_areas;
        found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, permissions) == 3 &&
                start <= code && code < end && permissions[2] == 'x';
    }
    return found;
}

static void walk(void *arg)
{
    void *ip[1000];
    *(size_t *)arg = frames_walk(ip, sizeof ip / sizeof ip[0]);
}

/* libunwind's own walk, of all kinds of stacks that it is compared with. */
static bool walks_plainly(void)
{
    size_t n = 1;
    for (const struct frames_kind *kind = frames_kinds; kind->name && n > 0; kind++) {
        for (int depth = 0; depth < 40; depth++) {
            kind->run(walk, &n, depth);
        }
    }
    return n > 0;
}

static const struct ability {
    const char *name;
    bool (*try)(void);
} abilities[] = {{"wipe-on-fork", wipes_on_fork}, {"address-space-limit", limits_address_space},
                 {"map-twice", maps_twice},       {"seccomp", has_seccomp},
                 {"smaps", tells_areas},          {"plain-walk", walks_plainly},
                 {"populate", populates}};

int main(void)
{
    for (size_t i = 0; i < sizeof abilities / sizeof abilities[0]; i++) {
        if (!works(abilities[i].try)) {
            puts(abilities[i].name);
        }
    }
    return 0;
}
