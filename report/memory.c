/* SPDX-License-Identifier: MIT */
#include "memory.h"
#include "die.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

void *mem_alloc(size_t size)
{
    return or_die(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size));
}

void *mem_grow(void *p, size_t *capacity, size_t need, size_t size)
{
    if (p && need <= *capacity)
        return p;
    size_t grown = *capacity < SIZE_MAX / 2 ? *capacity * 2 : need;
    if (grown < need)
        grown = need;
    if (grown < 16)
        grown = 16;
    if (grown > SIZE_MAX / size)
        die("out of memory");
    p = or_die(realloc(p, grown * size));
    *capacity = grown;
    return p;
}

char *mem_strdup(const char *s)
{
    return or_die(strdup(s));
}
