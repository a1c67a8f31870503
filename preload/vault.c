/* SPDX-License-Identifier: MIT */
#include "vault.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "vault_send.h"

#define PAGE ((size_t)4096)
#define FIRST_EXTENT ((size_t)2 << 20)
#define RESERVE ((size_t)256 << 20) /* of addresses, for a process that shuts itself off */

static size_t pages(size_t size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

static void *map(void *address, size_t size, int flags, int fd, uint64_t offset)
{
    long p = sys_call(SYS_mmap, (long)address, (long)size, PROT_READ | PROT_WRITE, flags, fd,
                      (long)offset);
    return p < 0 && p > -4096 ? NULL : (void *)p;
}

/* Enters what is mapped at START: first for this process, then for who reads the file. */
static void enter(struct vault *v, char *start, size_t size)
{
    struct vault_header *h = v->header;
    h->extent[v->extents] = (struct vault_extent){(uintptr_t)start, size, v->file_used};
    v->extent[v->extents].start = start;
    v->extent[v->extents].size = size;
    v->extents++;
    v->file_used += size;
    v->next = start;
    v->end = start + size;
    atomic_store_explicit(&h->extents, v->extents, memory_order_release);
}

/* A file that can be grown into; a negative errno. A limit on the size of files would stop us, and
 * tell the program by a signal. */
static int make_file(void)
{
    struct rlimit64 limit;
    if (sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0) != 0 ||
        limit.rlim_cur != RLIM64_INFINITY) {
        return -1;
    }
    int fd = (int)sys_call(SYS_memfd_create, (long)"memprof", MFD_CLOEXEC, 0, 0, 0, 0);
    if (fd >= 0 && sys_call(SYS_ftruncate, fd, (long)VAULT_FILE_BYTES, 0, 0, 0, 0) != 0) {
        sys_close(fd);
        return -1;
    }
    return fd;
}

/* Maps the beginning of the file, header and section. */
static bool map_first(struct vault *v, int fd, void *section, size_t size, uint64_t layout)
{
    const size_t head = pages(sizeof *v->header);
    const size_t first = pages(head + size + FIRST_EXTENT);
    char *start = map(NULL, first, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (!start) {
        return false;
    }
    v->header = (struct vault_header *)start;
    v->extents = 0;
    v->file_used = 0;
    enter(v, start, first);
    v->next = start + head + size;
    memcpy(v->header->magic, VAULT_MAGIC, sizeof v->header->magic);
    v->header->layout = layout;
    v->header->pid = (uint32_t)sys_pid();
    v->header->section = (struct vault_extent){(uintptr_t)section, size, head};
    if (!map(section, size, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, head)) {
        sys_unmap(start, first);
        v->header = NULL;
        v->extents = 0;
        return false;
    }
    v->section = section;
    v->section_size = size;
    return true;
}

bool vault_open(struct vault *v, void *section, size_t size, uint64_t layout)
{
    v->header = NULL;
    v->trouble = NULL;
    if (!v->path[0] && !v->watched) {
        return false;
    }
    v->trouble = "no file for it";
    int fd = v->shut ? -1 : make_file();
    if (fd < 0) {
        return false;
    }
    struct vault_hello hello = {.layout = layout};
    memcpy(hello.magic, VAULT_MAGIC, sizeof hello.magic);
    if (!map_first(v, fd, section, size, layout)) {
        v->trouble = "no memory for it";
    } else if (v->path[0] && vault_send(v->path, &hello, sizeof hello, fd) < 0) {
        vault_leave(v);
        v->trouble = "the launcher cannot be reached";
    } else {
        v->trouble = NULL;
    }
    sys_close(fd);
    return v->header != NULL;
}

/* One more extent, of at least SIZE bytes. The mapping begins with the page that the last one ends
 * with, which is the file's way to what comes after. */
static bool grow(struct vault *v, size_t size)
{
    if (v->extents == VAULT_EXTENTS || v->shut) {
        return false;
    }
    size_t want = 2 * v->extent[v->extents - 1].size;
    char *last = v->extent[v->extents - 1].start + v->extent[v->extents - 1].size - PAGE;
    long p = -1;
    for (want = want < size ? size : want; want >= size; want /= 2) {
        want = pages(want);
        if (want > VAULT_FILE_BYTES - v->file_used) {
            continue;
        }
        p = sys_call(SYS_mremap, (long)last, 0, (long)(PAGE + want), MREMAP_MAYMOVE, 0, 0);
        if (p > 0 || want <= PAGE) {
            break;
        }
    }
    if (p <= 0) {
        return false;
    }
    enter(v, (char *)p + PAGE, want);
    return true;
}

bool vault_follow(struct vault *v)
{
    const struct vault_header *h = v->header;
    const uint32_t n = atomic_load_explicit(&h->extents, memory_order_acquire);
    for (; v->extents < n && n <= VAULT_EXTENTS; v->extents++) {
        const struct vault_extent *e = &h->extent[v->extents];
        const char *before = v->extent[v->extents - 1].start + v->extent[v->extents - 1].size;
        const long start = (long)(e->start - PAGE);
        if (sys_call(SYS_mremap, (long)(before - PAGE), 0, (long)(PAGE + e->size),
                     MREMAP_MAYMOVE | MREMAP_FIXED, start, 0) != start) {
            return false;
        }
        v->extent[v->extents].start = (char *)start + PAGE;
        v->extent[v->extents].size = e->size;
        v->file_used += e->size;
    }
    return n <= VAULT_EXTENTS;
}

bool vault_holds(const struct vault *v, const void *p, size_t size)
{
    for (uint32_t i = 0; i < v->extents; i++) {
        const uintptr_t at = (uintptr_t)p - (uintptr_t)v->extent[i].start;
        if (at < v->extent[i].size && size <= v->extent[i].size - at) {
            return (uintptr_t)p % sizeof(uint64_t) == 0;
        }
    }
    return false;
}

#define PLACE_MS 1000 /* a file is renamed in less, or the warden was killed meanwhile */

bool vault_take_turn(struct vault *v)
{
    if (!v->header) {
        return true;
    }
    _Atomic uint32_t *turn = &v->header->turn;
    atomic_store(&v->header->dumping, 1);
    uint32_t now = atomic_fetch_add(turn, 2) + 2;
    for (int ms = 0; now % 2 && ms < PLACE_MS; ms++) {
        sys_sleep_ns(1000000);
        now = atomic_load(turn);
    }
    /* If that fails, it has just been done. */
    return now % 2 == 0 || !atomic_compare_exchange_strong(turn, &now, now + 1);
}

void vault_end_turn(struct vault *v)
{
    if (v->header) {
        atomic_store(&v->header->dumping, 0);
    }
}

uint32_t vault_turn(const struct vault *v)
{
    const uint32_t turn = atomic_load(&v->header->turn);
    return turn | (atomic_load(&v->header->dumping) != 0); /* in this order */
}

bool vault_begin_place(struct vault *v, uint32_t turn)
{
    return turn % 2 == 0 && atomic_compare_exchange_strong(&v->header->turn, &turn, turn + 1);
}

void vault_end_place(struct vault *v)
{
    /* The other side may have taken it for dead, and ended the turn. */
    uint32_t turn = atomic_load(&v->header->turn);
    while (turn % 2 && !atomic_compare_exchange_weak(&v->header->turn, &turn, turn + 1)) {
    }
}

void *vault_map(struct vault *v, size_t size)
{
    void *p = NULL;
    size = pages(size);
    sys_sigset before = sys_lock(&v->lock);
    if (size <= (size_t)(v->end - v->next) || grow(v, size)) {
        p = v->next;
        v->next += size;
    } else if (v->shut || v->extents == VAULT_EXTENTS) {
        atomic_store(&v->header->state, VAULT_SPILT);
    }
    sys_unlock(&v->lock, before);
    return p ? p : atomic_load(&v->header->state) == VAULT_SPILT ? sys_map(size) : NULL;
}

void vault_reserve(struct vault *v)
{
    if (!v->header) {
        return;
    }
    sys_sigset before = sys_lock(&v->lock);
    size_t want = RESERVE;
    while (want > (size_t)(v->end - v->next) && !grow(v, want)) {
        want /= 2;
    }
    sys_unlock(&v->lock, before);
}

bool vault_leave(struct vault *v)
{
    v->lock = (struct sys_lock){0};
    v->header = NULL;
    if (!map(v->section, v->section_size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
             -1, 0)) {
        return false;
    }
    while (v->extents > 0) {
        v->extents--;
        /* But for the first one with the page that it was mapped by. */
        size_t extra = v->extents > 0 ? PAGE : 0;
        sys_unmap(v->extent[v->extents].start - extra, v->extent[v->extents].size + extra);
    }
    v->next = v->end = NULL;
    v->trouble = "a process that its parent left";
    return true;
}
