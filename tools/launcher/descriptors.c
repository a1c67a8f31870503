/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit before;
static bool raised;

size_t descriptors_raise(void)
{
    if (!raised && getrlimit(RLIMIT_NOFILE, &before))
        return 0;
    struct rlimit most = {.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    raised = setrlimit(RLIMIT_NOFILE, &most) == 0;
    return raised ? before.rlim_max : before.rlim_cur;
}

void descriptors_restore(void)
{
    if (raised)
        setrlimit(RLIMIT_NOFILE, &before);
}
