/* SPDX-License-Identifier: MIT */
#include "bootstrap.h"

#include "sys.h"

#define STATIC_BYTES ((size_t)64 << 10)
#define SPILL_BYTES ((size_t)1 << 20)
#define HEADER ((size_t)16)

/* Bytes [base, base + size) of which `used` are handed out. A spill chunk starts with its own. */
struct region {
    struct region *next;
    char *base;
    size_t size;
    _Atomic size_t used;
};

static _Alignas(64) char static_bytes[STATIC_BYTES];
static struct region first = {.base = static_bytes, .size = STATIC_BYTES};
static struct region *_Atomic spills;

/* Carves a block out of R, or returns NULL if it does not fit. */
static void *carve(struct region *r, size_t size, size_t alignment)
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

static struct region *spill_new(size_t size)
{
    size_t total = size > SPILL_BYTES ? size : SPILL_BYTES;
    struct region *r = sys_map(total);
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
    for (struct region *r = atomic_load(&spills); !p && r; r = r->next) {
        p = carve(r, size, alignment);
    }
    if (p) {
        return p;
    }
    struct region *r = spill_new(size + alignment + HEADER + sizeof(struct region) + 4096);
    if (!r) {
        return NULL;
    }
    p = carve(r, size, alignment); /* while nobody else knows the chunk: it fits */
    r->next = atomic_load(&spills);
    while (!atomic_compare_exchange_weak(&spills, &r->next, r)) {
    }
    return p;
}

bool bootstrap_owns(const void *p)
{
    if ((uintptr_t)p - (uintptr_t)static_bytes < STATIC_BYTES) {
        return true;
    }
    for (struct region *r = atomic_load_explicit(&spills, memory_order_acquire); r; r = r->next) {
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
    struct region *r = &first;
    if (n > 0) {
        r = atomic_load_explicit(&spills, memory_order_acquire);
        for (; r && n > 1; n--) {
            r = r->next;
        }
    }
    *bytes = r ? atomic_load(&r->used) : 0;
    return r ? (uintptr_t)r->base : 0;
}
