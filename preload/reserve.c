/* SPDX-License-Identifier: MIT */
#include "reserve.h"

#include "sys.h"

/* Enough for the dump of a program with some ten thousand stacks in a thread. */
#define RESERVE_SIZE ((size_t)2 << 20)

static void *reserve;

void reserve_take(void)
{
    if (!reserve) {
        reserve = sys_map(RESERVE_SIZE);
    }
}

void *reserve_map(size_t size)
{
    void *p = sys_map(size);
    if (!p && reserve) {
        sys_unmap(reserve, RESERVE_SIZE);
        reserve = NULL;
        p = sys_map(size);
    }
    return p;
}
