/* SPDX-License-Identifier: MIT
 *
 * libsafe_malloc.so: an allocator that may be interrupted anywhere. Preloaded behind the profiler,
 * it makes programs legal whose signal handlers allocate, fork, jump or cancel in the middle of
 * malloc, so that whatever goes wrong is the profiler's doing.
 *
 * Blocks are slots of a power of two bytes; a free one is on its class's list. The lists are
 * without locks: a head is a slot's number and a count that tells old heads from new ones. No
 * block ever goes back to the kernel.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SMALLEST 6 /* bits: 64 bytes */
#define CLASSES 21 /* up to 64 MiB */
#define CLASS_BYTES ((size_t)1 << 31)
#define HEADER 16

/* In front of each block. */
struct slot {
    uint32_t class;
    _Atomic uint32_t next; /* number of the next free slot */
    uint64_t back;         /* from the block to its slot, which alignment moves */
};

static struct {
    char *_Atomic base;
    _Atomic uint64_t head; /* count << 32 | number; number 0: none */
    _Atomic uint32_t used; /* slots that were ever handed out */
} class[CLASSES];

static char *class_base(unsigned c)
{
    char *base = atomic_load(&class[c].base), *none = NULL;
    if (base)
        return base;
    base = mmap(NULL, CLASS_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (atomic_compare_exchange_strong(&class[c].base, &none, base))
        return base;
    munmap(base, CLASS_BYTES);
    return none;
}

/* Slots are numbered from 1. */
static struct slot *slot_at(char *base, unsigned c, uint32_t number)
{
    return (struct slot *)(base + ((size_t)(number - 1) << (c + SMALLEST)));
}

static struct slot *take_slot(unsigned c)
{
    char *base = class_base(c);
    if (!base)
        return NULL;
    uint64_t head = atomic_load(&class[c].head);
    while ((uint32_t)head != 0) {
        struct slot *slot = slot_at(base, c, (uint32_t)head);
        uint64_t next = ((head >> 32) + 1) << 32 | atomic_load(&slot->next);
        if (atomic_compare_exchange_weak(&class[c].head, &head, next))
            return slot;
    }
    uint32_t number = atomic_fetch_add(&class[c].used, 1) + 1;
    return (size_t)number << (c + SMALLEST) <= CLASS_BYTES ? slot_at(base, c, number) : NULL;
}

static void give_slot(struct slot *slot)
{
    unsigned c = slot->class;
    uint32_t number =
        (uint32_t)(((size_t)((char *)slot - atomic_load(&class[c].base)) >> (c + SMALLEST)) + 1);
    uint64_t head = atomic_load(&class[c].head);
    do
        atomic_store(&slot->next, (uint32_t)head);
    while (!atomic_compare_exchange_weak(&class[c].head, &head, ((head >> 32) + 1) << 32 | number));
}

static struct slot *slot_of(void *p)
{
    uint64_t back = ((struct slot *)((char *)p - sizeof(struct slot)))->back;
    return (struct slot *)((char *)p - back);
}

static void *allocate(size_t size, size_t alignment)
{
    unsigned c = 0;
    size_t need = size + alignment + 2 * HEADER;
    while (need >= size && c < CLASSES && (size_t)1 << (c + SMALLEST) < need)
        c++;
    struct slot *slot = need >= size && c < CLASSES ? take_slot(c) : NULL;
    if (!slot) {
        errno = ENOMEM;
        return NULL;
    }
    slot->class = c;
    uintptr_t p = ((uintptr_t)slot + 2 * HEADER + alignment - 1) & ~(alignment - 1);
    ((struct slot *)(p - sizeof(struct slot)))->back = p - (uintptr_t)slot;
    return (void *)p;
}

void *malloc(size_t size)
{
    return allocate(size, HEADER);
}

/* Nothing here calls what is exported: that would be the profiler's. */
void free(void *p)
{
    if (p)
        give_slot(slot_of(p));
}

void *calloc(size_t n, size_t size)
{
    size_t total;
    void *p = NULL;
    if (__builtin_mul_overflow(n, size, &total))
        errno = ENOMEM;
    else
        p = allocate(total, HEADER);
    return p ? memset(p, 0, total) : NULL;
}

static size_t usable_size(void *p)
{
    struct slot *slot = slot_of(p);
    return ((size_t)1 << (slot->class + SMALLEST)) - (size_t)((char *)p - (char *)slot);
}

size_t malloc_usable_size(void *p)
{
    return p ? usable_size(p) : 0;
}

/* Always moves. */
void *realloc(void *old, size_t size)
{
    void *p = old && !size ? NULL : allocate(size, HEADER);
    if (p && old) {
        size_t had = usable_size(old);
        memcpy(p, old, had < size ? had : size);
    }
    if (old && (p || !size))
        give_slot(slot_of(old));
    return p;
}

static void *allocate_aligned(size_t alignment, size_t size)
{
    return allocate(size, alignment < HEADER ? HEADER : alignment);
}

void *memalign(size_t alignment, size_t size)
{
    return allocate_aligned(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return allocate_aligned(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = allocate_aligned(alignment, size);
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}
