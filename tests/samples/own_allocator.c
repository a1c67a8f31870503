/* SPDX-License-Identifier: MIT
 *
 * own_allocator: brings malloc and the rest itself, as programs with a statically linked allocator
 * do. Every block carries a mark, and a block without it makes free abort: none of another
 * allocator may come here, and none of ours may go elsewhere. Prints its totals (counted.h). */
#include "counted.h"

#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stddef.h>

#define MARK 0x6f776e616c6c6f63u

struct header {
    alignas(16) uint64_t mark;
    size_t size;
};

static char heap[64 << 20] __attribute__((aligned(16)));
static size_t heap_used;

static struct header *header_of(void *p)
{
    struct header *h = (struct header *)p - 1;
    if ((char *)p < heap || (char *)p >= heap + sizeof heap || h->mark != MARK)
        abort();
    return h;
}

void *malloc(size_t size)
{
    size_t need = (size + sizeof(struct header) + 15) & ~(size_t)15;
    if (size > sizeof heap || need > sizeof heap - heap_used) {
        errno = ENOMEM;
        return NULL;
    }
    struct header *h = (struct header *)(heap + heap_used);
    heap_used += need;
    *h = (struct header){.mark = MARK, .size = size};
    return h + 1;
}

void free(void *p)
{
    if (p)
        header_of(p)->mark = 0;
}

void *calloc(size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return malloc(n * size); /* fresh memory is zero, and none is used twice */
}

void *realloc(void *old, size_t size)
{
    void *p = malloc(size);
    if (p && old) {
        size_t had = header_of(old)->size;
        memcpy(p, old, had < size ? had : size);
        free(old);
    }
    return p;
}

void *memalign(size_t alignment, size_t size)
{
    heap_used = (heap_used + sizeof(struct header) + alignment - 1) / alignment * alignment -
                sizeof(struct header);
    return malloc(size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *p)
{
    return p ? header_of(p)->size : 0;
}

int main(void)
{
    for (int i = 0; i < 5000; i++) {
        void *p = counted_malloc((size_t)i % 300);
        if (i % 3)
            counted_free(p, (size_t)i % 300);
    }
    /* Through libc, which allocates and frees in its turn. */
    FILE *f = fopen("/proc/self/stat", "r");
    char *line = NULL;
    size_t room = 0;
    if (!f || getline(&line, &room, f) < 10)
        return 1;
    free(line);
    fclose(f);
    free(strdup("copied"));
    counted_print("own_allocator");
    return 0;
}
