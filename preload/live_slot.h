/* SPDX-License-Identifier: MIT
 *
 * The slots of the live table (live.h): what their bits are. Pure functions, but for the sizes of
 * large blocks, which are the owner's of the block to write.
 */
#ifndef PRELOAD_LIVE_SLOT_H
#define PRELOAD_LIVE_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys.h"

#define LIVE_SITE_BITS 22
#define LIVE_MAX_SITE ((UINT32_C(1) << LIVE_SITE_BITS) - 1)

/* The bits of a slot that holds a block. */
#define LIVE_PRESENT (UINT32_C(1) << 0)
#define LIVE_MEASURED (UINT32_C(1) << 1) /* its birth is kept */
#define LIVE_OFFSET_SHIFT 2              /* 2 bits: which 8 bytes of the 32 the block starts at */
#define LIVE_SIZE_SHIFT 4                /* 6 bits; LIVE_LARGE: the size is in the next slot */
#define LIVE_SITE_SHIFT 10               /* LIVE_SITE_BITS */
#define LIVE_LARGE ((uint64_t)63)
/* A slot that holds a size has LIVE_PRESENT clear: the low 30 bits of the size << 2, and LIVE_WIDE
 * if the higher ones << 1 are in the slot after it. */
#define LIVE_WIDE (UINT32_C(1) << 1)
#define LIVE_LOW_BITS 30

typedef _Atomic uint32_t live_slot;

static inline uint32_t live_offset_bits(uintptr_t address)
{
    return (uint32_t)address >> (3 - LIVE_OFFSET_SHIFT) & UINT32_C(3) << LIVE_OFFSET_SHIFT;
}

/* Whether WORD, of the slot of ADDRESS, is the block that starts there. */
static inline bool live_is_of(uint32_t word, uintptr_t address)
{
    const uint32_t mask = LIVE_PRESENT | UINT32_C(3) << LIVE_OFFSET_SHIFT;
    return (word & mask) == (LIVE_PRESENT | live_offset_bits(address));
}

/* The same of a block whose birth is not kept. */
static inline bool live_is_plain_of(uint32_t word, uintptr_t address)
{
    const uint32_t mask = LIVE_PRESENT | LIVE_MEASURED | UINT32_C(3) << LIVE_OFFSET_SHIFT;
    return (word & mask) == (LIVE_PRESENT | live_offset_bits(address));
}

/* A slot for a block at ADDRESS that is of SITE, less its size. */
static inline uint32_t live_word(uintptr_t address, uint32_t site)
{
    return LIVE_PRESENT | live_offset_bits(address) | site << LIVE_SITE_SHIFT;
}

/* What is set in the slot of a block of SIZE bytes. */
static inline uint32_t live_word_of_size(uint64_t size)
{
    return (uint32_t)(size < LIVE_LARGE ? size : LIVE_LARGE) << LIVE_SIZE_SHIFT;
}

static inline uint64_t live_word_size(uint32_t word)
{
    return word >> LIVE_SIZE_SHIFT & LIVE_LARGE;
}

static inline uint32_t live_word_site(uint32_t word)
{
    return word >> LIVE_SITE_SHIFT;
}

/* The size of a large block, whose slot is SLOT of a region. */
static inline uint64_t live_large_size(const live_slot *slot)
{
    const uint32_t low = atomic_load_explicit(&slot[1], memory_order_relaxed);
    if (unlikely(low & LIVE_PRESENT)) {
        return 0; /* another block: this one is being freed */
    }
    const uint64_t high =
        unlikely(low & LIVE_WIDE) ? atomic_load_explicit(&slot[2], memory_order_relaxed) >> 1 : 0;
    return low >> 2 | high << LIVE_LOW_BITS;
}

static inline void live_set_large_size(live_slot *slot, uint64_t size)
{
    const uint64_t high = size >> LIVE_LOW_BITS;
    atomic_store_explicit(&slot[1], (uint32_t)size << 2 | (high ? LIVE_WIDE : 0),
                          memory_order_relaxed);
    if (unlikely(high != 0)) {
        atomic_store_explicit(&slot[2], (uint32_t)high << 1, memory_order_relaxed);
    }
}

/* The size, which is cleared. Where the free of the block was missed another may have come to lie
 * on it: that stays. */
static inline uint64_t live_take_large_size(live_slot *slot)
{
    const uint32_t low = atomic_load_explicit(&slot[1], memory_order_relaxed);
    uint64_t size = low >> 2;
    if (unlikely(low & (LIVE_WIDE | LIVE_PRESENT))) {
        if (low & LIVE_PRESENT) {
            return 0;
        }
        size = live_large_size(slot);
        atomic_store_explicit(&slot[2], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&slot[1], 0, memory_order_relaxed);
    return size;
}

#endif
