/* SPDX-License-Identifier: MIT */
#include "reserve.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "sys.h"

/* Enough for the dump of a program with some ten thousand stacks in a thread. */
#define RESERVE_SIZE ((size_t)2 << 20)

static char *reserve;
static size_t used;   /* its first bytes, by pieces of which at least one is still held */
static size_t pieces; /* that are held */

void reserve_take(void)
{
    if (!reserve) {
        reserve = sys_map(RESERVE_SIZE);
    }
}

void *reserve_map(size_t size)
{
    char *p = sys_map(size);
    if (!p && reserve && size <= RESERVE_SIZE - used) {
        p = reserve + used;
        used += (size + 63) & ~(size_t)63;
        pieces++;
    }
    return p;
}

static void empty(void)
{
    if (sys_call(SYS_madvise, (long)reserve, (long)RESERVE_SIZE, MADV_DONTNEED, 0, 0, 0) == 0) {
        used = 0; /* all of it is zeroes again */
    }
}

void reserve_unmap(void *p, size_t size)
{
    if (!reserve || (char *)p < reserve || (char *)p >= reserve + RESERVE_SIZE) {
        sys_unmap(p, size);
    } else if (--pieces == 0) {
        empty();
    }
}

void reserve_child(void)
{
    if (pieces != 0) {
        pieces = 0;
        empty();
    }
}
