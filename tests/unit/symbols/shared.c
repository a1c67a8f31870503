/* SPDX-License-Identifier: MIT
 * A function in a shared library, with one inlined into it. */
#include "probe.h"

#include <stddef.h>

static INLINE int in_library(const struct chain *outer)
{
    return probe(AT("in_library", outer)) + 1;
}

NOINLINE int shared_function(void)
{
    int n = probe(AT("shared_function", NULL));
    n += in_library(AT("shared_function", NULL));
    return n;
}
