/* SPDX-License-Identifier: MIT
 *
 * When live blocks were born, of those whose lifetime is measured: few, where there are many blocks
 * (count.h), so that this is no part of their slots (live.h). Each 4 KiB of addresses have a line
 * with a place for each seventh of them, and where a place is taken, further lines.
 *
 * Any number of threads: a place is claimed by one atomic instruction, and found again and given up
 * by whoever owns the block at the moment. Lines are never given back: they serve the next blocks.
 * A birth that finds no memory is not kept, and then that block's lifetime is not measured.
 */
#ifndef PRELOAD_LIVE_BIRTHS_H
#define PRELOAD_LIVE_BIRTHS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live;

#define LIVE_LINE_BITS 12
#define LIVE_LINES ((size_t)1 << (21 - LIVE_LINE_BITS)) /* of a region */
#define LIVE_LINE_BIRTHS ((size_t)7)

/* A birth: a stamp, and below it which 8 bytes of the line's addresses the block starts at, and a
 * 1. 0: free. */
struct live_line {
    _Atomic uint64_t birth[LIVE_LINE_BIRTHS];
    struct live_line *_Atomic next;
};

/* Lines to be chained. */
struct live_spare;

/* A stamp: the birth in units of 64 ticks, at least 1, and whether it is thinned (struct
 * live_block). 53 bits: at 4 GHz, for 4 years. 0: none. */
#define LIVE_STAMP_UNIT 6

static inline uint64_t live_stamp(uint64_t birth, bool thinned)
{
    const uint64_t units = birth >> LIVE_STAMP_UNIT;
    return (units + (units == 0)) << 1 | thinned;
}

/* In ticks; 0 of no stamp. */
static inline uint64_t live_stamp_birth(uint64_t stamp)
{
    return stamp >> 1 << LIVE_STAMP_UNIT;
}

static inline bool live_stamp_thinned(uint64_t stamp)
{
    return stamp & 1;
}

/* Maps the first lines to be chained. */
void live_births_init(struct live *l);

/* Keeps the STAMP of the block at ADDRESS, in whose region's LINES there is none of it yet. ALONE:
 * no other thread has come here so far. */
void live_births_put(struct live *l, struct live_line *lines, uintptr_t address, uint64_t stamp,
                     bool alone);

/* Takes it out: the stamp, or 0. */
uint64_t live_births_take(struct live_line *lines, uintptr_t address);

#endif
