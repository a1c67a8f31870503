/* SPDX-License-Identifier: MIT */
#include "real_map.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

/* glibc's own name of sbrk, which keeps its idea of where the heap ends. */
extern void *__sbrk(intptr_t increment);

struct real_map real_map;

/* RESULT of a system call as libc's functions return it. */
static long libc_result(long result)
{
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

void *real_map_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return (void *)libc_result(
        sys_call_of_program(SYS_mmap, (long)address, (long)length, protection, flags, fd, offset));
}

int real_map_munmap(void *address, size_t length)
{
    return (int)libc_result(
        sys_call_of_program(SYS_munmap, (long)address, (long)length, 0, 0, 0, 0));
}

void *real_map_mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
    void *address = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? va_arg(list, void *) : NULL;
    va_end(list);
    return (void *)libc_result(sys_call_of_program(SYS_mremap, (long)old, (long)old_length,
                                                   (long)length, flags, (long)address, 0));
}

void *real_map_sbrk(intptr_t increment)
{
    return __sbrk(increment);
}

int real_map_brk(void *address)
{
    const char *now = __sbrk(0);
    return __sbrk((char *)address - now) == (void *)-1 ? -1 : 0;
}

void *real_map_shmat(int id, const void *address, int flags)
{
    return (void *)libc_result(sys_call_of_program(SYS_shmat, id, (long)address, flags, 0, 0, 0));
}

int real_map_shmdt(const void *address)
{
    return (int)libc_result(sys_call_of_program(SYS_shmdt, (long)address, 0, 0, 0, 0, 0));
}

void real_map_resolve(void)
{
    static _Atomic bool done;
    void *found;
    if (atomic_exchange(&done, true)) {
        return;
    }
#define MAP(name, type, parameters)                                                                \
    found = dlsym(RTLD_NEXT, #name);                                                               \
    if (found) {                                                                                   \
        memcpy(&real_map.name, &found, sizeof found);                                              \
    }
#include "hooks_map.def"
#undef MAP
}
