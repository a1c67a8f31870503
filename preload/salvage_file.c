/* SPDX-License-Identifier: MIT
 *
 * Salvage from the file itself, as the launcher has it: maps its parts where the process had them.
 */
#include "salvage.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "salvage_parts.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static struct vault_header header; /* what the file began with: the process cannot change it now */

/* Reads SIZE bytes at OFFSET of FD. */
static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
    char *p = to;
    while (size > 0) {
        const ssize_t n = pread(fd, p, size, (off_t)offset);
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static enum salvage_result read_header(int fd, uint64_t *vault_bytes)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !read_at(fd, &header, sizeof header, 0)) {
        return SALVAGE_DAMAGED;
    }
    *vault_bytes = (uint64_t)status.st_blocks * 512;
    return salvage_check_header(&header, (uint64_t)status.st_size);
}

/* Maps the extents where the process had them; changes stay here. */
static enum salvage_result map_extents(struct salvage_map *m, int fd)
{
    m->n = 0;
    for (uint32_t i = 0; i < atomic_load(&header.extents); i++) {
        const struct vault_extent *e = &header.extent[i];
        void *at = (void *)e->start; /* NOLINT(performance-no-int-to-ptr) */
        const void *p =
            mmap(at, e->size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, (off_t)e->offset);
        if (p != at) {
            return SALVAGE_CLASH;
        }
        m->extent[m->n++] = *e;
        m->bytes += e->size;
    }
    return SALVAGE_DONE;
}

enum salvage_result salvage_dump(struct recorder *r, int fd, bool replaced)
{
    static struct salvage_map map;
    struct salvage_request request = {.reason = "recovered", .replaced = replaced};
    enum salvage_result result = read_header(fd, &request.vault_bytes);
    if (result == SALVAGE_DONE) {
        result = map_extents(&map, fd);
    }
    if (result != SALVAGE_DONE) {
        return result;
    }
    if (!read_at(fd, (char *)r + SALVAGE_SECTION, sizeof *r - SALVAGE_SECTION,
                 header.section.offset)) {
        return SALVAGE_DAMAGED;
    }
    return salvage_mapped(r, &header, &map, &request);
}
