/* SPDX-License-Identifier: MIT
 *
 * Linked into the injected library of builds that measure line coverage, and into no other: where
 * its counters are kept. LLVM's own runtime writes them when a process exits, with malloc and
 * stdio, which this library must not do, and which comes to nothing where a process is killed,
 * executes another program or ends by _exit. Here they live in a file that is mapped shared: all
 * processes of all tests count in the same memory, and nothing needs to be written at the end.
 *
 * The compiler (-runtime-counter-relocation) adds __llvm_profile_counter_bias to the address of
 * every counter. It is 0 until our constructor has mapped the file. Raw system calls only. If
 * anything fails, the process counts in its own memory, in vain.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sys.h"
#include "text.h"

/* LLVM's runtime, of which only the part that fills a buffer is linked: what would be the reason to
 * link the rest is defined here. */
extern uint64_t __llvm_profile_get_size_for_buffer(void);
extern int __llvm_profile_write_buffer(char *buffer);
extern uint64_t *__llvm_profile_begin_counters(void);
extern uint64_t *__llvm_profile_end_counters(void);
extern const char *__llvm_profile_begin_names(void);
extern const char *__llvm_profile_end_names(void);

extern int __llvm_profile_runtime;
extern intptr_t __llvm_profile_counter_bias;
int __llvm_profile_runtime;
intptr_t __llvm_profile_counter_bias;

/* Creates the file, of SIZE bytes, if no other process has: under a name of its own first, so that
 * nobody finds it half-written. */
static void create(size_t size)
{
    char name[sizeof COVERAGE_FILE + 32];
    struct text t = text_begin(name, sizeof name);
    text_string(&t, COVERAGE_FILE ".");
    text_number(&t, (uint64_t)sys_pid());
    char *content = sys_map(size);
    int fd = sys_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (content && fd >= 0 && __llvm_profile_write_buffer(content) == 0 &&
        sys_write_all(fd, content, size) == 0) {
        sys_call(SYS_linkat, AT_FDCWD, (long)name, AT_FDCWD, (long)COVERAGE_FILE, 0, 0);
    }
    if (fd >= 0) {
        sys_close(fd);
        sys_call(SYS_unlinkat, AT_FDCWD, (long)name, 0, 0, 0, 0);
    }
    if (content) {
        sys_unmap(content, size);
    }
}

/* Before all other constructors of the library. What was counted until then is added. */
__attribute__((constructor(101))) static void share_counters(void)
{
    size_t size = (size_t)__llvm_profile_get_size_for_buffer();
    uint64_t *first = __llvm_profile_begin_counters();
    size_t n = (size_t)(__llvm_profile_end_counters() - first);
    size_t names = (size_t)(__llvm_profile_end_names() - __llvm_profile_begin_names());
    int fd = sys_open(COVERAGE_FILE, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        create(size);
        fd = sys_open(COVERAGE_FILE, O_RDWR | O_CLOEXEC, 0);
    }
    if (fd < 0) {
        return;
    }
    long p = sys_call(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    sys_close(fd);
    if (p < 0 && p > -4096) {
        return;
    }
    /* Behind the counters there are only the names, up to a multiple of eight bytes. */
    uint64_t *shared = (uint64_t *)(p + (long)(size - (names + 7) / 8 * 8)) - n;
    for (size_t i = 0; i < n; i++) {
        shared[i] += first[i];
    }
    __llvm_profile_counter_bias = (intptr_t)shared - (intptr_t)first;
}
