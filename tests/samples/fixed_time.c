/* SPDX-License-Identifier: MIT
 *
 * libfixed_time.so: time() stands still. Preloaded into programs that seed hash tables with it, so
 * that two runs of them are the same. */
#include <time.h>

time_t time(time_t *out)
{
    const time_t fixed = 1700000000;
    if (out)
        *out = fixed;
    return fixed;
}
