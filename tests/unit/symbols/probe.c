/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

NOINLINE int probe(const struct chain *chain)
{
    uintptr_t address = (uintptr_t)__builtin_return_address(0) - 1;
    Dl_info info;
    struct link_map *map;
    char path[4096];
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a return address */
    if (!dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) ||
        !realpath(map->l_name[0] ? map->l_name : "/proc/self/exe", path))
        abort();
    printf("%s\t%lx", path, (unsigned long)(address - map->l_addr));
    for (; chain; chain = chain->outer)
        printf("\t%s|%d|%s", chain->function, chain->line, chain->file);
    putchar('\n');
    return 1;
}
