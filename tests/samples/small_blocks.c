/* SPDX-License-Identifier: MIT
 *
 * small_blocks: many blocks of 1 and 8 bytes, which some allocators place 8 bytes apart, and of
 * other sizes, freed in random order, some not at all; some are resized. Checks that no block was
 * damaged and prints its totals (counted.h). */
#include "counted.h"

#define BLOCKS 20000
#define STEPS 200000

static struct {
    unsigned char *p;
    size_t size;
} blocks[BLOCKS];

static uint64_t state = 88172645463325252u;

static size_t number(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 33) % below;
}

/* The first and the last byte of a block say which it is. */
static void mark(size_t i)
{
    blocks[i].p[0] = (unsigned char)i;
    blocks[i].p[blocks[i].size - 1] = (unsigned char)i;
}

static void check(size_t i)
{
    if (blocks[i].p[blocks[i].size - 1] != (unsigned char)i ||
        (blocks[i].size > 1 && blocks[i].p[0] != (unsigned char)i))
        abort();
}

static void step(void)
{
    static const size_t sizes[] = {1, 8, 8, 8, 7, 4, 16, 24, 100};
    size_t i = number(BLOCKS), size = sizes[number(9)];
    if (!blocks[i].p) {
        blocks[i].p = counted_malloc(size);
    } else {
        check(i);
        if (number(4)) {
            counted_free(blocks[i].p, blocks[i].size);
            blocks[i].p = NULL;
            return;
        }
        unsigned char *p = realloc(blocks[i].p, size);
        if (!p)
            abort();
        blocks[i].p = p;
        counted.alloc_count++;
        counted.alloc_bytes += size;
        counted.free_count++;
        counted.freed_bytes += blocks[i].size;
    }
    blocks[i].size = size;
    mark(i);
}

int main(void)
{
    for (int i = 0; i < STEPS; i++)
        step();
    for (size_t i = 0; i < BLOCKS / 2; i++)
        if (blocks[i].p)
            counted_free(blocks[i].p, blocks[i].size);
    counted_print("small_blocks");
    return 0;
}
