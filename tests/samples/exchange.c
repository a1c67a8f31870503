/* SPDX-License-Identifier: MIT
 *
 * exchange THREADS ROUNDS SEED: threads that free and resize each other's blocks. In each of its
 * ROUNDS a thread puts a new block into one of the slots that all share, by one of several calls,
 * or takes one out, and frees or resizes what it got in exchange; large ones move when they are
 * resized. Every block carries a mark that is checked before it goes. What is in the slots at the
 * end stays. Prints how many calls of the allocator there were. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS (1u << 16)
#define MARK 0x6d61726b6d61726bu

static void *_Atomic slot[SLOTS];
static atomic_ulong calls;
static unsigned long rounds;

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    return *state = x ^ x << 17;
}

/* Mostly small; one in 64 of some pages, one in 4096 beyond the threshold of mmap. */
static size_t size_from(uint64_t r)
{
    size_t size = 8 + r % 500;
    if (r >> 20 & 63)
        return size;
    return (r >> 26 & 63) ? size * 40 : size * 700;
}

static void *mark(void *p)
{
    uint64_t value = MARK ^ (uintptr_t)p;
    if (!p)
        abort();
    memcpy(p, &value, sizeof value);
    return p;
}

static void check(const void *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    if (value != (MARK ^ (uintptr_t)p) || malloc_usable_size((void *)(uintptr_t)p) < 8) {
        static const char text[] = "exchange: a block is not what it was\n";
        if (write(2, text, sizeof text - 1) < 0)
            abort();
        abort();
    }
}

static __attribute__((noinline)) void *allocate(unsigned kind, size_t size)
{
    void *p = NULL;
    switch (kind % 8) {
    case 0:
        p = calloc(1, size);
        break;
    case 1:
        p = memalign(64, size);
        break;
    case 2:
        p = posix_memalign(&p, 256, size) == 0 ? p : NULL;
        break;
    case 3:
        p = realloc(NULL, size);
        break;
    case 4:
        p = malloc(size / 2 + 8);
        break;
    default:
        p = malloc(size);
    }
    return mark(p);
}

static __attribute__((noinline)) unsigned long release(void *p)
{
    if (!p)
        return 0;
    check(p);
    free(p);
    return 1;
}

static __attribute__((noinline)) void *resize(void *p, size_t size)
{
    check(p);
    return mark(realloc(p, size));
}

static void *work(void *seed)
{
    uint64_t state = (uintptr_t)seed * 0x9e3779b97f4a7c15u | 1;
    unsigned long made = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t r = next_random(&state);
        void *_Atomic *at = &slot[r >> 48];
        void *p = NULL;
        if ((r & 15) < 9)
            p = allocate((unsigned)(r >> 4), size_from(r >> 8));
        else if ((r & 15) < 14 && (p = atomic_exchange(at, NULL)))
            p = resize(p, size_from(r >> 8));
        made += p != NULL;
        made += release(atomic_exchange(at, p));
    }
    calls += made;
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int n = atoi(argv[1]);
    rounds = strtoul(argv[2], NULL, 10);
    pthread_t thread[256];
    for (int i = 0; i < n && i < 256; i++)
        if (pthread_create(&thread[i], NULL, work,
                           (void *)(strtoul(argv[3], NULL, 10) + (size_t)i)))
            return 2;
    for (int i = 0; i < n && i < 256; i++)
        pthread_join(thread[i], NULL);
    char text[64];
    int length = snprintf(text, sizeof text, "%lu\n", calls);
    return write(1, text, (size_t)length) != length;
}
