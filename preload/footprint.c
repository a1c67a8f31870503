/* SPDX-License-Identifier: MIT */
#include "footprint.h"

#include <string.h>

#include "cgroup.h"
#include "footprint_heap.h"
#include "objects.h"
#include "process.h"
#include "resident.h"
#include "smaps.h"

#define PAGE ((uintptr_t)4096)
#define ARENA ((uintptr_t)64 << 20)  /* glibc's HEAP_MAX_SIZE */
#define GUARD ((uintptr_t)1 << 20)   /* no guard below a stack is larger */
#define DESCRIPTOR ((uintptr_t)4096) /* glibc's of a thread, above where its stack begins */
#define LOOKED_AT ((uint64_t)16 << 30)
#define LOOKED_TIMES 8

/* Too large for the stacks that we may run on. */
struct work {
    struct footprint *f;
    struct recorder *r;
    const struct footprint_own *own;
    size_t nown;
    /* The profiler's chunks, then threads' stacks as far as they are known: beside each other, for
     * they are looked at for each area, and there may be thousands of them. */
    struct arena_range *chunk;
    size_t chunks, stacks, room;
    int pagemap;
    bool flags_tell; /* which areas may be the profiler's, mapped with MAP_NORESERVE */
    struct smaps_area before, area, after; /* `after`.start is 0 behind the last one */
    uint64_t rest;                         /* of the area's resident bytes */
    uint64_t looked;             /* bytes of areas so far of whose pages each was looked at */
    struct resident_area spread; /* the area, where there are too many; or empty */
    struct smaps smaps;
    struct footprint_heap heap;
    struct cgroup cgroup;
};

/* Gives ROW as much of BYTES as is left. */
static void give(struct work *w, uint64_t *row, uint64_t bytes)
{
    bytes = bytes < w->rest ? bytes : w->rest;
    *row += bytes;
    w->rest -= bytes;
}

/* Resident bytes of what lies of START to END in the area. */
static uint64_t resident_within(const struct work *w, uintptr_t start, uintptr_t end, bool own)
{
    start = start > w->area.start ? start : w->area.start;
    end = end < w->area.end ? end : w->area.end;
    if (start >= end) {
        return 0;
    }
    if (w->spread.size && !own) {
        return resident_share(&w->spread, end - start);
    }
    const void *p = (const void *)start;
    const int64_t bytes =
        own ? resident_anonymous(p, end - start) : resident_mapped(w->pagemap, p, end - start);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

/* Resident bytes in the area that are the profiler's, and in its own figure. */
static uint64_t find_own(const struct work *w)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->chunks; i++) {
        bytes += resident_within(w, w->chunk[i].start, w->chunk[i].end, true);
    }
    for (size_t i = 0; i < w->nown; i++) {
        const uintptr_t start = (uintptr_t)w->own[i].start;
        bytes += resident_within(w, start, start + w->own[i].size, true);
    }
    const uintptr_t argv = (uintptr_t)process.argv;
    return bytes + resident_within(w, argv, argv + process.argv_bytes, true);
}

static bool is_library_of_ours(const struct work *w)
{
    const struct libraries *l = &w->r->libraries;
    for (size_t i = 0; i < l->n; i++) {
        if (w->area.start >= l->of[i].start && w->area.start < l->of[i].end) {
            return true;
        }
    }
    return false;
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* An area that a file or the kernel is behind. */
static void give_file(struct work *w)
{
    static const char *const memory[] = {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero"};
    struct footprint *f = w->f;
    give(w, &f->data, w->area.shared ? 0 : w->area.anonymous_bytes);
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        if (begins(w->area.name, memory[i])) {
            give(w, &f->shared, w->rest);
        }
    }
    give(w, &f->file, w->rest);
}

static bool is_guarded(const struct work *w)
{
    const struct smaps_area *b = &w->before;
    return b->end == w->area.start && !b->readable && !b->writable && !b->file &&
           b->end - b->start <= GUARD;
}

static void give_stacks(struct work *w)
{
    for (size_t i = w->chunks; i < w->chunks + w->stacks; i++) {
        const uintptr_t high = w->chunk[i].end;
        if (high > w->area.start && high <= w->area.end) {
            const uintptr_t low = is_guarded(w) ? w->area.start : w->chunk[i].start;
            const uintptr_t top = (high + DESCRIPTOR + PAGE - 1) & ~(PAGE - 1);
            give(w, &w->f->stack, resident_within(w, low, top, false));
        }
    }
}

static void give_mapped(struct work *w)
{
    struct mappings *m = &w->r->mappings;
    uint64_t bytes = 0;
    sys_sigset before;
    if (!sys_trylock(&m->lock, &before)) {
        return;
    }
    for (const struct piece *p = mapping_tree_at(&m->tree, w->area.start);
         p && p->start < w->area.end; p = mapping_tree_at(&m->tree, p->end)) {
        bytes += resident_within(w, p->start, p->end, false);
    }
    sys_unlock(&m->lock, before);
    give(w, &w->f->mapped, bytes);
}

/* Finds the part of the area that is the heap's as a whole. */
static void find_segment(const struct work *w, struct footprint_heap *h)
{
    const struct smaps_area *a = &w->area, *after = &w->after;
    h->start = h->end = a->start;
    if (strcmp(a->name, "[heap]") == 0 || (!h->glibc && h->blocks > 0)) {
        h->end = a->end;
        return;
    }
    /* One of glibc's heaps for threads. */
    const uintptr_t start = (a->start + ARENA - 1) & ~(ARENA - 1);
    const bool tail =
        after->start == a->end && !after->readable && !after->file && after->end >= start + ARENA;
    if (h->glibc && !a->name[0] && start < a->end && (tail || a->end >= start + ARENA)) {
        h->start = start;
        h->end = a->end;
    }
}

/* Gives the heap what the blocks that were found, and the segment, take. */
static void give_heap(struct work *w)
{
    struct footprint *f = w->f;
    struct footprint_heap *h = &w->heap;
    const bool whole = h->start == w->area.start && h->end == w->area.end;
    const uint64_t before = w->rest;
    uint64_t segment = whole ? w->rest : resident_within(w, h->start, h->end, false);
    segment = segment < w->rest ? segment : w->rest;
    const uint64_t outside = w->rest - segment;
    w->rest = segment;
    give(w, &f->live, h->requested);
    give(w, &f->rounding, h->rounding);
    give(w, &f->heap_free, w->rest);
    w->rest = h->outside_pages < outside ? h->outside_pages : outside;
    const uint64_t pages = w->rest;
    give(w, &f->live, h->outside_requested);
    give(w, &f->rounding, w->rest);
    w->rest = before - segment - pages;
}

static void give_anonymous(struct work *w)
{
    struct footprint_heap *h = &w->heap;
    struct object object;
    if (object_find(w->area.start, &object) && object.start < w->area.start) {
        give(w, &w->f->data, w->rest);
        return;
    }
    *h = (struct footprint_heap){.live = &w->r->live,
                                 .pagemap = w->pagemap,
                                 .glibc = process_has_glibc_blocks(),
                                 .spread = w->spread};
    find_segment(w, h);
    footprint_heap_walk(h, w->area.start, w->area.end);
    if (!h->glibc && h->blocks > 0 && h->start == h->end) {
        const uint64_t blocks = h->blocks; /* now it is known that all of it is the heap's */
        *h = (struct footprint_heap){
            .live = &w->r->live, .pagemap = w->pagemap, .blocks = blocks, .spread = w->spread};
        find_segment(w, h);
        footprint_heap_walk(h, w->area.start, w->area.end);
    }
    give_stacks(w);
    if (w->r->options.mmap && (h->glibc || h->blocks == 0)) {
        give_mapped(w);
    }
    give_heap(w);
    if (is_guarded(w) && h->blocks == 0 && h->start == h->end) {
        give(w, &w->f->stack, w->rest); /* of a thread that never allocated, or is gone */
    }
}

/* Memory that is promised but not there has pages without end: a minute for 1 TiB. So as many are
 * looked at as goes with what is resident, and what lies in other areas is given its share. */
static void choose_way(struct work *w)
{
    const uint64_t size = w->area.end - w->area.start;
    const bool all = w->looked + size <= LOOKED_AT + LOOKED_TIMES * w->f->rss;
    w->spread = (struct resident_area){.bytes = w->rest, .size = all ? 0 : size};
    w->looked += all ? size : 0;
}

static void give_area(struct work *w)
{
    w->f->rss += w->area.rss_bytes;
    if (w->area.rss_bytes == 0 || is_library_of_ours(w)) {
        return; /* of the latter footprint_write has a figure */
    }
    w->rest = w->area.rss_bytes;
    uint64_t own = 0;
    /* To look for them takes time where there are thousands of threads. */
    if (!w->flags_tell || !w->area.reserved) {
        give(w, &own, find_own(w));
    }
    choose_way(w);
    if (strcmp(w->area.name, "[stack]") == 0) {
        give(w, &w->f->stack, w->rest);
    } else if (w->area.file || begins(w->area.name, "[v")) {
        give_file(w);
    } else if (w->area.writable || w->area.anonymous_bytes > 0) {
        give_anonymous(w);
    }
}

#define SLACK ((size_t)1024) /* for what comes while they are being listed */

/* Lists chunks and stacks. Returns false without memory. */
static bool list_ranges(struct work *w)
{
    const struct recorder *r = w->r;
    w->room = SLACK;
    for (int i = 0; i < PARTS; i++) {
        w->room +=
            arena_pool_ranges(&r->kept[i], NULL, 0) + arena_pool_ranges(&r->counts[i], NULL, 0);
    }
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        w->room++;
    }
    w->chunk = sys_map(w->room * sizeof *w->chunk);
    for (int i = 0; w->chunk && i < 2 * PARTS; i++) {
        const struct arena_pool *pool = i < PARTS ? &r->kept[i] : &r->counts[i - PARTS];
        const size_t left = w->room - w->chunks;
        const size_t n = arena_pool_ranges(pool, w->chunk + w->chunks, left);
        w->chunks += n < left ? n : left;
    }
    for (struct thread *t = atomic_load(&r->threads);
         w->chunk && t && w->chunks + w->stacks < w->room; t = atomic_load(&t->next)) {
        if (t->in_use) {
            w->chunk[w->chunks + w->stacks++] = (struct arena_range){t->stack.low, t->stack.high};
        }
    }
    return w->chunk != NULL;
}

static void give_areas(struct work *w)
{
    bool more = smaps_next(&w->smaps, &w->area);
    while (more) {
        more = smaps_next(&w->smaps, &w->after);
        if (!more) {
            w->after = (struct smaps_area){0};
        }
        give_area(w);
        w->before = w->area;
        w->area = w->after;
    }
}

static void read_cgroup(struct work *w)
{
    if (cgroup_find(&w->cgroup, "/proc/self/cgroup", "/sys/fs/cgroup")) {
        w->f->cgroup_limit = w->cgroup.limit_bytes;
        w->f->cgroup_used = cgroup_used(&w->cgroup, UINT64_MAX);
    }
}

void footprint_read(struct footprint *f, struct memory *m, struct recorder *r,
                    const struct footprint_own *own, size_t nown, bool sampled)
{
    struct footprint_own all[8];
    struct work *w = sys_map(sizeof *w);
    memset(f, 0, sizeof *f);
    if (!w || nown + 2 > sizeof all / sizeof all[0]) {
        return;
    }
    memcpy(all, own, nown * sizeof *own);
    w->f = f;
    w->r = r;
    w->own = all;
    all[nown] = (struct footprint_own){w, sizeof *w};
    w->nown = nown + 1;
    if (list_ranges(w)) {
        all[w->nown++] = (struct footprint_own){w->chunk, w->room * sizeof *w->chunk};
    }
    read_cgroup(w);
    char overcommit[8];
    w->flags_tell =
        sys_read_file("/proc/sys/vm/overcommit_memory", overcommit, sizeof overcommit) > 0 &&
        overcommit[0] != '2'; /* in that mode the flag is without effect */
    w->pagemap = resident_open();
    if (w->chunk && w->pagemap >= 0 && smaps_open(&w->smaps)) {
        give_areas(w);
        smaps_close(&w->smaps);
        f->known = true;
    }
    resident_close(w->pagemap);
    memory_add_dump(m, w, sizeof *w);
    if (w->chunk) {
        memory_add_dump(m, w->chunk, w->room * sizeof *w->chunk);
        sys_unmap(w->chunk, w->room * sizeof *w->chunk);
    }
    sys_unmap(w, sizeof *w);
    if (sampled) {
        f->heap = f->heap_free;
        f->heap_free = 0;
    }
    m->footprint = f;
    if (f->known) {
        m->rss_bytes = f->rss;
        m->peak_rss_bytes = f->rss > m->peak_rss_bytes ? f->rss : m->peak_rss_bytes;
    }
}
