/* SPDX-License-Identifier: MIT
 *
 * The plugins of the sample `unloads`: one source for two libraries of the same layout, so that the
 * loader likely puts the second where the first was. NAME tells the functions apart. */
#include <stdlib.h>

#define JOIN(a, b) a##b
#define MAKER(name) JOIN(make_in_, name)

void *plugin_make(size_t size);

static __attribute__((noinline, noclone)) void *MAKER(NAME)(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

void *plugin_make(size_t size)
{
    void *p = MAKER(NAME)(size);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}
