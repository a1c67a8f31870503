/* SPDX-License-Identifier: MIT */
#include "bootstrap.h"

#include "sys.h"

#define SPILL_BYTES ((size_t)1 << 20)
#define HEADER ((size_t)16)

/* Bytes [base, base + size) of which `used` are handed out. A spill chunk starts with its own. */
struct bootstrap_region {
    struct bootstrap_region *next;
    char *base;
    size_t size;
    _Atomic size_t used;
};

_Alignas(64) char bootstrap_bytes[BOOTSTRAP_BYTES];
static struct bootstrap_region first = {.base = bootstrap_bytes, .size = BOOTSTRAP_BYTES};
struct bootstrap_region *_Atomic bootstrap_spills;

/* Carves a block out of R, or returns NULL if it does not fit. */
static void *carve(struct bootstrap_region *r, size_t size, size_t alignment)
{
    size_t used = atomic_load(&r->used);
    for (;;) {
        uintptr_t start = (uintptr_t)r->base + used + HEADER;
        start = (start + alignment - 1) & ~(alignment - 1);
        size_t offset = start - (uintptr_t)r->base;
        /* Even an empty block has an address of its own. */
        if (offset >= r->size || size > r->size - offset) {
            return NULL;
        }
        if (atomic_compare_exchange_weak(&r->used, &used, offset + (size ? size : 1))) {
            *(size_t *)(start - HEADER) = size;
            return (void *)start;
        }
    }
}

static struct bootstrap_region *spill_new(size_t size)
{
    size_t total = size > SPILL_BYTES ? size : SPILL_BYTES;
    struct bootstrap_region *r = sys_map(total);
    if (r) {
        r->base = (char *)r + sizeof *r;
        r->size = total - sizeof *r;
    }
    return r;
}

void *bootstrap_alloc(size_t size, size_t alignment)
{
    if (alignment < 16) {
        alignment = 16;
    }
    if (size > SIZE_MAX / 4 || alignment > SIZE_MAX / 4) {
        return NULL;
    }
    void *p = carve(&first, size, alignment);
    for (struct bootstrap_region *r = atomic_load(&bootstrap_spills); !p && r; r = r->next) {
        p = carve(r, size, alignment);
    }
    if (p) {
        return p;
    }
    struct bootstrap_region *r =
        spill_new(size + alignment + HEADER + sizeof(struct bootstrap_region) + 4096);
    if (!r) {
        return NULL;
    }
    p = carve(r, size, alignment); /* while nobody else knows the chunk: it fits */
    r->next = atomic_load(&bootstrap_spills);
    while (!atomic_compare_exchange_weak(&bootstrap_spills, &r->next, r)) {
    }
    return p;
}

bool bootstrap_has_spilled(const void *p)
{
    for (struct bootstrap_region *r = atomic_load_explicit(&bootstrap_spills, memory_order_acquire);
         r; r = r->next) {
        if ((uintptr_t)p - (uintptr_t)r->base < r->size) {
            return true;
        }
    }
    return false;
}

size_t bootstrap_size(const void *p)
{
    return *(const size_t *)((const char *)p - HEADER);
}

uintptr_t bootstrap_stretch(size_t n, size_t *bytes)
{
    struct bootstrap_region *r = &first;
    if (n > 0) {
        r = atomic_load_explicit(&bootstrap_spills, memory_order_acquire);
        for (; r && n > 1; n--) {
            r = r->next;
        }
    }
    *bytes = r ? atomic_load(&r->used) : 0;
    return r ? (uintptr_t)r->base : 0;
}
