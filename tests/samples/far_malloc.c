/* SPDX-License-Identifier: MIT
 *
 * libfar_malloc.so, preloaded behind the profiler: glibc's malloc, but for blocks of FAR_SIZE and
 * more, which are mapped without reservation, and of SCATTER_SIZE exactly, which come to lie all
 * over the address space, as far from each other as there is room, and at odd distances. */
#include "far_malloc.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES ((size_t)1 << 17)
#define LOWEST ((uintptr_t)1 << 32)
#define SPACE_BITS 46 /* of addresses; the kernel has what it has there */
#define PAGE ((uintptr_t)4096)

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);
extern void *realloc(void *block, size_t size);

/* What was mapped: open addressing, no place is emptied but to GONE. One thread. */
#define GONE ((uintptr_t)1)
static struct {
    uintptr_t address;
    size_t size;
} place[PLACES];
static uint64_t scattered;

static size_t home(uintptr_t address)
{
    return (size_t)(address * 0x9e3779b97f4a7c15u >> 40) % PLACES;
}

static void *enter(void *p, size_t size)
{
    if (p == MAP_FAILED) {
        errno = ENOMEM;
        return NULL;
    }
    size_t i = home((uintptr_t)p);
    while (place[i].address > GONE)
        i = (i + 1) % PLACES;
    place[i].address = (uintptr_t)p;
    place[i].size = size;
    return p;
}

/* Its place, or PLACES. */
static size_t find(const void *block)
{
    size_t i = home((uintptr_t)block);
    while (place[i].address != 0 && place[i].address != (uintptr_t)block)
        i = (i + 1) % PLACES;
    return place[i].address ? i : PLACES;
}

/* The bits of N in reverse order are as far from those of numbers before as can be. */
static uintptr_t far_from_others(uint64_t n)
{
    uintptr_t address = 0;
    for (int bit = 0; bit < SPACE_BITS; bit++)
        address |= (uintptr_t)(n >> bit & 1) << (SPACE_BITS - 1 - bit);
    return (address + LOWEST + n * 17 * PAGE) & ~(PAGE - 1);
}

static void *map(uintptr_t hint, size_t size)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return mmap((void *)hint, size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

void *malloc(size_t size)
{
    if (size >= FAR_SIZE)
        return enter(map(0, size), size);
    if (size == SCATTER_SIZE)
        return enter(map(far_from_others(++scattered), size), size);
    return __libc_malloc(size);
}

void free(void *block)
{
    const size_t i = block ? find(block) : PLACES;
    if (i == PLACES) {
        __libc_free(block);
        return;
    }
    place[i].address = GONE;
    if (munmap(block, place[i].size) != 0)
        _exit(9);
}

void *realloc(void *block, size_t size)
{
    const size_t i = block ? find(block) : PLACES;
    if (i == PLACES)
        return __libc_realloc(block, size);
    void *p = mremap(block, place[i].size, size, MREMAP_MAYMOVE);
    if (p == MAP_FAILED)
        return NULL;
    place[i].address = GONE;
    return enter(p, size);
}
