/* SPDX-License-Identifier: MIT
 *
 * The sample `lines`: its part in a shared library, with a constructor. The ledger is the
 * executable's. */
#include "lines.h"

static void *first;

static __attribute__((constructor)) void plugin_start(void)
{
    first = AT(malloc(4242));
}

static NOINLINE void *plugin_make(size_t size)
{
    return AT(malloc(size));
}

void *plugin_keep(size_t size)
{
    RUN(free(first));
    first = AT(plugin_make(size));
    return first;
}

void plugin_visit(void (*visit)(int), int times)
{
    for (int i = 0; i < times; i++)
        RUN(visit(i));
}
