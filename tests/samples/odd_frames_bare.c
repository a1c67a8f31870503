/* SPDX-License-Identifier: MIT
 *
 * Frames of several shapes, compiled without frame pointers and without unwind tables: see
 * odd_frames.c.
 */
#include "odd_frames.h"

#include <string.h>

#define USE(p) __asm__ volatile("" : "+r"(p)::"memory")

static __attribute__((noinline)) void small(void (*function)(void), unsigned depth)
{
    odd_frames_bare(function, depth);
    USE(function);
}

static __attribute__((noinline)) void large(void (*function)(void), unsigned depth)
{
    char room[5000];
    char *p = room;
    memset(p, (int)depth, sizeof room);
    USE(p);
    odd_frames_bare(function, depth);
    USE(p);
}

__attribute__((noinline)) void odd_frames_bare(void (*function)(void), unsigned depth)
{
    if (depth == 0)
        function();
    else if (depth % 2)
        small(function, depth - 1);
    else
        large(function, depth - 1);
    USE(function);
}
