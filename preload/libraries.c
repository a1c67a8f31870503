/* SPDX-License-Identifier: MIT */
#include "libraries.h"

#include <link.h>

#include "objects.h"
#include "resident.h"

struct walk {
    struct libraries *l;
    size_t seen;
};

static void note(struct libraries *l, uintptr_t start, uintptr_t end)
{
    if (l->n < LIBRARIES_MAX && start < end) {
        l->of[l->n].start = start;
        l->of[l->n].end = end;
        l->n++;
    }
}

/* The loader lists objects in the order in which they came. */
static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct walk *w = arg;
    if (w->seen++ < w->l->before) {
        return 0;
    }
    uintptr_t start = UINTPTR_MAX, end = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD) {
            continue;
        }
        const uintptr_t from = info->dlpi_addr + p->p_vaddr;
        start = from < start ? from : start;
        end = from + p->p_memsz > end ? from + p->p_memsz : end;
    }
    note(w->l, start, end);
    return 0;
}

void libraries_begin(struct libraries *l)
{
    *l = (struct libraries){.before = SIZE_MAX};
    struct object self;
    if (object_find((uintptr_t)&libraries_begin, &self)) {
        note(l, self.start, self.end);
    }
    struct walk w = {l, 0};
    dl_iterate_phdr(visit, &w);
    l->before = w.seen;
}

void libraries_end(struct libraries *l)
{
    struct walk w = {l, 0};
    dl_iterate_phdr(visit, &w);
}

int64_t libraries_resident(const struct libraries *l)
{
    const int pagemap = resident_open();
    int64_t bytes = l->n > 0 ? 0 : -1;
    for (size_t i = 0; i < l->n && bytes >= 0; i++) {
        const int64_t more = resident_mapped(pagemap, (const void *)l->of[i].start,
                                             (size_t)(l->of[i].end - l->of[i].start));
        bytes = more < 0 ? -1 : bytes + more;
    }
    resident_close(pagemap);
    return bytes;
}
