/* SPDX-License-Identifier: MIT */
#include "resident.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "sys.h"

#define PAGE ((uintptr_t)4096)

/* So many pages are asked for at once. */
#define MINCORE_PAGES ((uintptr_t)1024)
#define PAGEMAP_PAGES ((uintptr_t)128)

/* Of an entry of pagemap: see pagemap.rst of the kernel's documentation. */
#define PAGEMAP_PRESENT ((uint64_t)1 << 63)
#define PAGEMAP_SWAPPED ((uint64_t)1 << 62)

struct pages {
    uintptr_t next, count;
};

static struct pages pages_of(const void *start, size_t size)
{
    const uintptr_t first = (uintptr_t)start / PAGE;
    const uintptr_t end = ((uintptr_t)start + size + PAGE - 1) / PAGE;
    return (struct pages){first, size ? end - first : 0};
}

/* Takes at most MOST pages out of P; returns how many. */
static uintptr_t pages_take(struct pages *p, uintptr_t most)
{
    const uintptr_t n = p->count < most ? p->count : most;
    p->next += n;
    p->count -= n;
    return n;
}

int64_t resident_anonymous(const void *start, size_t size)
{
    unsigned char there[MINCORE_PAGES];
    struct pages p = pages_of(start, size);
    int64_t bytes = 0;
    while (p.count > 0) {
        const uintptr_t from = p.next;
        const uintptr_t n = pages_take(&p, MINCORE_PAGES);
        if (sys_call(SYS_mincore, (long)(from * PAGE), (long)(n * PAGE), (long)there, 0, 0, 0)) {
            return -1;
        }
        for (uintptr_t i = 0; i < n; i++) {
            bytes += there[i] & 1 ? (int64_t)PAGE : 0;
        }
    }
    return bytes;
}

int resident_open(void)
{
    return sys_open_aside("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
}

void resident_close(int pagemap)
{
    if (pagemap >= 0) {
        sys_close(pagemap);
    }
}

/* Reads the entries of N pages from page FROM on. */
static bool read_entries(int pagemap, uintptr_t from, uint64_t *entry, uintptr_t n)
{
    const long bytes = (long)(n * sizeof *entry);
    return pagemap >= 0 && sys_call(SYS_pread64, pagemap, (long)entry, bytes,
                                    (long)(from * sizeof *entry), 0, 0) == bytes;
}

int64_t resident_mapped(int pagemap, const void *start, size_t size)
{
    uint64_t entry[PAGEMAP_PAGES];
    struct pages p = pages_of(start, size);
    int64_t bytes = 0;
    while (p.count > 0) {
        const uintptr_t from = p.next;
        const uintptr_t n = pages_take(&p, PAGEMAP_PAGES);
        if (!read_entries(pagemap, from, entry, n)) {
            return -1;
        }
        for (uintptr_t i = 0; i < n; i++) {
            bytes += entry[i] & PAGEMAP_PRESENT ? (int64_t)PAGE : 0;
        }
    }
    return bytes;
}

void resident_touched(int pagemap, const void *start, bool *touched, size_t n)
{
    uint64_t entry[PAGEMAP_PAGES];
    struct pages p = {(uintptr_t)start / PAGE, n};
    while (p.count > 0) {
        const uintptr_t from = p.next;
        const uintptr_t some = pages_take(&p, PAGEMAP_PAGES);
        const bool told = read_entries(pagemap, from, entry, some);
        for (uintptr_t i = 0; i < some; i++) {
            *touched++ = !told || (entry[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED));
        }
    }
}

bool resident_pages(int pagemap, const void *start, bool *there, size_t n)
{
    uint64_t entry[PAGEMAP_PAGES];
    struct pages p = {(uintptr_t)start / PAGE, n};
    while (p.count > 0) {
        const uintptr_t from = p.next;
        const uintptr_t some = pages_take(&p, PAGEMAP_PAGES);
        if (!read_entries(pagemap, from, entry, some)) {
            return false;
        }
        for (uintptr_t i = 0; i < some; i++) {
            *there++ = (entry[i] & PAGEMAP_PRESENT) != 0;
        }
    }
    return true;
}
