/* SPDX-License-Identifier: MIT
 *
 * The interposed functions that map and unmap memory. Without MEMPROF_MMAP one test, then the real
 * function. With it: what the call may unmap is taken out of the record, the real call, and the
 * record of what it did; errno as the real call left it. Nothing is decided here.
 *
 * mappings.h says in which order and why. Compiled with frame pointers, as hooks_recorded.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "arch.h"
#include "mappings_record.h"
#include "real_map.h"

#define HOOK __attribute__((visibility("default"), noinline))

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */

#define PAGE ((uintptr_t)4096)
#define HUGE_PAGE ((uintptr_t)2 << 20) /* usual where the base page has 4 KiB */

static uintptr_t round_up(uintptr_t n, uintptr_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

/* What a mapping of LENGTH bytes by FLAGS takes. */
static uintptr_t mapped_length(size_t length, int flags)
{
    if ((flags & MAP_HUGETLB) == 0) {
        return round_up(length, PAGE);
    }
    const unsigned bits = (unsigned)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    return round_up(length, bits ? (uintptr_t)1 << bits : HUGE_PAGE);
}

/* What a call with ADDRESS and LENGTH unmaps; nothing if the kernel will not accept them. */
static void before(struct mappings_change *change, enum mappings_how how, const void *address,
                   size_t length)
{
    const uintptr_t start = (uintptr_t)address, end = start + round_up(length, PAGE);
    if (start % PAGE == 0 && end > start) {
        mappings_before(&recorder, change, how, start, end);
    }
}

/* FUNCTION has returned P after it was to map LENGTH bytes. */
static void mapped(enum site_function function, const struct stack_start *caller, void *p,
                   uintptr_t length, bool reallocated)
{
    if (p == MAP_FAILED) {
        mappings_unmappable(&recorder, function, caller);
    } else {
        const uintptr_t start = (uintptr_t)p;
        mappings_mapped(&recorder, function, caller, start, start + length, reallocated);
    }
}

HOOK void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(mmap)(address, length, protection, flags, fd, offset);
    }
    struct mappings_change change = {0};
    const uintptr_t size = mapped_length(length, flags);
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == MAP_FIXED) {
        before(&change, MAPPINGS_OVER, address, size);
    }
    void *p = REAL_MAP(mmap)(address, length, protection, flags, fd, offset);
    mappings_after(&recorder, &change, p != MAP_FAILED);
    mapped(SITE_mmap, &caller, p, size, false);
    return p;
}

HOOK void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

HOOK int munmap(void *address, size_t length)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(munmap)(address, length);
    }
    struct mappings_change change = {0};
    before(&change, MAPPINGS_UNMAP, address, length);
    int result = REAL_MAP(munmap)(address, length);
    mappings_after(&recorder, &change, result == 0);
    return result;
}

/* A mremap that makes smaller leaves what is there as it is, and unmaps the rest. */
static void *shrink(const struct stack_start *caller, void *old, size_t old_length, size_t length,
                    int flags)
{
    struct mappings_change change = {0};
    const uintptr_t kept = round_up(length, PAGE), all = round_up(old_length, PAGE);
    if (length > 0 && kept < all) {
        before(&change, MAPPINGS_UNMAP, (char *)old + kept, all - kept);
    }
    void *p = REAL_MAP(mremap)(old, old_length, length, flags);
    mappings_after(&recorder, &change, p != MAP_FAILED);
    if (p == MAP_FAILED) {
        mappings_unmappable(&recorder, SITE_mremap, caller);
    }
    return p;
}

HOOK void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    const struct stack_start caller = ARCH_CALLER;
    void *wanted = NULL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) { /* there need be no such argument otherwise */
        va_list list;
        va_start(list, flags);
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line before does that */
        wanted = va_arg(list, void *);
        va_end(list);
    }
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(mremap)(old, old_length, length, flags, wanted);
    }
    const bool copies = old_length == 0 || (flags & MREMAP_DONTUNMAP);
    if (!copies && !(flags & MREMAP_FIXED) &&
        round_up(length, PAGE) <= round_up(old_length, PAGE)) {
        return shrink(&caller, old, old_length, length, flags);
    }
    /* What is replaced first: the ranges overlap only in calls that fail. */
    struct mappings_change replaced = {0}, moved = {0};
    if (flags & MREMAP_FIXED) {
        before(&replaced, MAPPINGS_OVER, wanted, length);
    }
    if (!copies) {
        before(&moved, flags & MREMAP_FIXED ? MAPPINGS_MOVE : MAPPINGS_UNMAP, old, old_length);
    }
    void *p = REAL_MAP(mremap)(old, old_length, length, flags, wanted);
    const bool done = p != MAP_FAILED;
    mappings_after(&recorder, &moved, done);
    mappings_after(&recorder, &replaced, done);
    mapped(SITE_mremap, &caller, p, round_up(length, PAGE), !copies);
    return p;
}

/* The end of the heap that brk moves went from OLD to NEW; if not, CHANGE is taken back. */
static void moved_break(enum site_function function, const struct stack_start *caller,
                        struct mappings_change *change, uintptr_t old, uintptr_t new, bool done)
{
    mappings_after(&recorder, change, done);
    if (!done) {
        mappings_unmappable(&recorder, function, caller);
    } else if (new > old) {
        mappings_mapped(&recorder, function, caller, old, new, false);
    }
}

HOOK int brk(void *address)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(brk)(address);
    }
    const uintptr_t old = (uintptr_t)REAL_MAP(sbrk)(0), new = (uintptr_t)address;
    struct mappings_change change = {0};
    if (new < old) {
        mappings_before(&recorder, &change, MAPPINGS_UNMAP, new, old);
    }
    int result = REAL_MAP(brk)(address);
    moved_break(SITE_brk, &caller, &change, old, new, result == 0);
    return result;
}

HOOK void *sbrk(intptr_t increment)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp)) || increment == 0) {
        return REAL_MAP(sbrk)(increment);
    }
    struct mappings_change change = {0};
    if (increment < 0) {
        const uintptr_t now = (uintptr_t)REAL_MAP(sbrk)(0);
        mappings_before(&recorder, &change, MAPPINGS_UNMAP, now + (uintptr_t)increment, now);
    }
    void *p = REAL_MAP(sbrk)(increment);
    const uintptr_t old = (uintptr_t)p;
    moved_break(SITE_sbrk, &caller, &change, old, old + (uintptr_t)increment, p != (void *)-1);
    return p;
}

/* How much a segment of shared memory takes; 0 if that is not known. */
static uintptr_t segment_length(int id)
{
    struct shmid_ds segment;
    return shmctl(id, IPC_STAT, &segment) == 0 ? round_up(segment.shm_segsz, PAGE) : 0;
}

HOOK void *shmat(int id, const void *address, int flags)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(shmat)(id, address, flags);
    }
    const int saved = errno;
    const uintptr_t length = segment_length(id);
    errno = saved;
    struct mappings_change change = {0};
    if (flags & SHM_REMAP) {
        before(&change, MAPPINGS_OVER, address, length);
    }
    void *p = REAL_MAP(shmat)(id, address, flags);
    mappings_after(&recorder, &change, p != MAP_FAILED);
    mapped(SITE_shmat, &caller, p, length, false);
    return p;
}

HOOK int shmdt(const void *address)
{
    const struct stack_start caller = ARCH_CALLER;
    if (likely(!mappings_watched(&recorder, caller.sp))) {
        return REAL_MAP(shmdt)(address);
    }
    struct mappings_change change = {0};
    mappings_before_detach(&recorder, &change, (uintptr_t)address);
    int result = REAL_MAP(shmdt)(address);
    mappings_after(&recorder, &change, result == 0);
    return result;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* Names of the hooks that cannot be preempted, for interpose.c. */
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-attributes" /* nobody calls by these names */
#endif
#define MAP(name, type, parameters)                                                                \
    extern type hook_##name parameters __attribute__((alias(#name), visibility("hidden")));
#include "hooks_map.def"
#undef MAP
