/* SPDX-License-Identifier: MIT
 *
 * The process that writes one dump for the warden, from memory that the program may be changing.
 * What must be written to is copied first; all else is made unwritable, so that no fault of ours
 * gets into the program's counters.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "memory.h"
#include "salvage_parts.h"
#include "warden_parts.h"

#define PAGE ((uintptr_t)4096)
#define CPU_SECONDS 120

/* A private copy takes the place of the pages with SIZE bytes at P. */
static bool own(const void *p, size_t size)
{
    const uintptr_t start = (uintptr_t)p & ~(PAGE - 1);
    const size_t whole = (((uintptr_t)p + size + PAGE - 1) & ~(PAGE - 1)) - start;
    void *copy = sys_map(whole);
    if (!copy) {
        return false;
    }
    memcpy(copy, (const void *)start, whole); /* NOLINT(performance-no-int-to-ptr) */
    return sys_call(SYS_mremap, (long)copy, (long)whole, (long)whole, MREMAP_MAYMOVE | MREMAP_FIXED,
                    (long)start, 0) == (long)start;
}

static bool protect(uintptr_t start, size_t size)
{
    return sys_call(SYS_mprotect, (long)start, (long)size, PROT_READ, 0, 0, 0) == 0;
}

/* What of the mapping is in memory. */
static uint64_t resident(uintptr_t start, size_t size)
{
    static unsigned char page[16384];
    uint64_t bytes = 0;
    for (size_t at = 0; at < size; at += sizeof page * PAGE) {
        const size_t part = size - at < sizeof page * PAGE ? size - at : sizeof page * PAGE;
        if (sys_call(SYS_mincore, (long)(start + at), (long)part, (long)page, 0, 0, 0) != 0) {
            return 0;
        }
        for (size_t i = 0; i < part / PAGE; i++) {
            bytes += page[i] & 1 ? PAGE : 0;
        }
    }
    return bytes;
}

/* Fills M in from H, a copy of the vault's header, and protects all of it. */
static bool map_all(struct salvage_map *m, const struct recorder *r, const struct vault_header *h,
                    uint64_t *bytes)
{
    const uint32_t n = atomic_load(&h->extents);
    if (salvage_check_header(h, VAULT_FILE_BYTES) != SALVAGE_DONE || n > r->vault.extents) {
        return false;
    }
    *m = (struct salvage_map){.own = own, .n = n};
    bool good = protect((uintptr_t)r + SALVAGE_SECTION, sizeof *r - SALVAGE_SECTION);
    for (uint32_t i = 0; i < n && good; i++) {
        const struct vault_extent *e = &h->extent[i];
        m->extent[i] = *e;
        m->bytes += e->size;
        good = e->start == (uintptr_t)r->vault.extent[i].start &&
               e->size == r->vault.extent[i].size && protect(e->start, e->size);
        *bytes += resident(e->start, e->size);
    }
    return good;
}

static bool write_dump(struct recorder *r, const struct warden_order *order,
                       struct warden_handover *handover)
{
    static struct recorder of_program;
    static struct vault_header header;
    static struct salvage_map map;
    struct salvage_request request = {.reason = order->reason,
                                      .replaced = order->replaced,
                                      .watched = true,
                                      .names = order->place ? NULL : &handover->file};
    memcpy(&header, r->vault.header, sizeof header);
    if (!map_all(&map, r, &header, &request.vault_bytes) || !header.card.described) {
        return false;
    }
    struct memory_pages pages;
    memory_pages_of((int)header.pid, &pages);
    request.rss_bytes = pages.rss_bytes;
    memcpy((char *)&of_program + SALVAGE_SECTION, (char *)r + SALVAGE_SECTION,
           sizeof of_program - SALVAGE_SECTION);
    return salvage_mapped(&of_program, &header, &map, &request) == SALVAGE_DONE;
}

_Noreturn void warden_write(struct recorder *r, const struct warden_order *order,
                            struct warden_handover *handover)
{
    const struct rlimit limit = {CPU_SECONDS, CPU_SECONDS};
    const long warden = sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
    sys_call(SYS_prlimit64, 0, RLIMIT_CPU, (long)&limit, 0, 0, 0);
    handover->written = write_dump(r, order, handover);
    if (sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != warden && !order->place &&
        handover->file.temporary[0]) {
        outfile_place(&handover->file, -1, false); /* nobody will put it into place */
    }
    for (;;) {
        sys_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    }
}
