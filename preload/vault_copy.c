/* SPDX-License-Identifier: MIT
 *
 * Private copies of a vault, for children that go on inside the recorder.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "vault.h"

/* Lies in memory of its own. */
struct vault_copy {
    struct vault_copy *outer; /* of the fork that the handler interrupted; NULL: none */
    uint32_t extents;
    struct {
        char *at;
        size_t size;
    } section, extent[VAULT_EXTENTS];
};

/* Bytes of extent I that are in use. */
static size_t used(const struct vault *v, uint32_t i)
{
    const bool last = i + 1 == v->extents;
    return last ? (size_t)(v->next - v->extent[i].start) : v->extent[i].size;
}

static char *copy_of(const void *start, size_t size, size_t in_use)
{
    char *copy = sys_map(size);
    if (copy) {
        memcpy(copy, start, in_use);
    }
    return copy;
}

/* Fills in C. First what points to the rest, so that what it points to is there. */
static bool fill(struct vault_copy *c, struct vault *v)
{
    c->section.size = v->section_size;
    c->section.at = copy_of(v->section, v->section_size, v->section_size);
    bool whole = c->section.at != NULL;
    sys_sigset before = sys_lock(&v->lock);
    for (uint32_t i = 0; whole && i < v->extents; i++) {
        c->extent[i].size = v->extent[i].size;
        c->extent[i].at = copy_of(v->extent[i].start, v->extent[i].size, used(v, i));
        whole = c->extent[i].at != NULL;
        c->extents += whole;
    }
    sys_unlock(&v->lock, before);
    return whole;
}

void vault_copy(struct vault *v, struct vault_copy **list)
{
    struct vault_copy *c = sys_map(sizeof *c);
    if (!c) {
        return;
    }
    const bool whole = fill(c, v);
    c->outer = *list;
    *list = c;
    if (!whole) {
        vault_drop_copy(list);
    }
}

static bool put(char *copy, size_t size, const void *place)
{
    return sys_call(SYS_mremap, (long)copy, (long)size, (long)size, MREMAP_MAYMOVE | MREMAP_FIXED,
                    (long)place, 0) == (long)place;
}

/* In place of what another thread had mapped since: nothing in the copy points there, but memory is
 * taken from it. */
static bool clear(char *start, size_t size)
{
    const long p = sys_call(SYS_mmap, (long)start, (long)size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    return p == (long)start;
}

bool vault_adopt_copy(struct vault *v, struct vault_copy **list)
{
    struct vault_copy *c = *list;
    bool whole = c != NULL && put(c->section.at, c->section.size, v->section);
    for (uint32_t i = 0; whole && i < v->extents; i++) {
        whole = i < c->extents ? put(c->extent[i].at, c->extent[i].size, v->extent[i].start)
                               : clear(v->extent[i].start, v->extent[i].size);
    }
    if (c) {
        *list = c->outer;
        sys_unmap(c, sizeof *c);
    }
    return whole;
}

void vault_drop_copy(struct vault_copy **list)
{
    struct vault_copy *c = *list;
    if (!c) {
        return;
    }
    for (uint32_t i = 0; i < c->extents; i++) {
        sys_unmap(c->extent[i].at, c->extent[i].size);
    }
    if (c->section.at) {
        sys_unmap(c->section.at, c->section.size);
    }
    *list = c->outer;
    sys_unmap(c, sizeof *c);
}
