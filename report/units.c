/* SPDX-License-Identifier: MIT */
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct unit units[] = {
    {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};

const struct unit *unit_find(const char *name)
{
    for (const struct unit *u = units; u->name; u++)
        if (strcasecmp(name, u->name) == 0 || (strlen(name) == 1 && !strncasecmp(name, u->name, 1)))
            return u;
    return NULL;
}

const char *units_size(char buffer[UNITS_MAX], uint64_t bytes, const struct unit *unit)
{
    if (unit->bytes == 1)
        snprintf(buffer, UNITS_MAX, "%" PRIu64 " B", bytes);
    else
        snprintf(buffer, UNITS_MAX, "%7.3f %s", (double)bytes / (double)unit->bytes, unit->name);
    return buffer;
}

/* N in the largest of the N_NAMES units, each STEP times the one before, that leaves 1 or more:
 * with three significant digits at least, without decimals that say nothing. */
static const char *scaled(char buffer[UNITS_MAX], uint64_t n, double step, const char *const *names,
                          size_t n_names)
{
    double value = (double)n;
    size_t i = 0;
    while (value >= step && i + 1 < n_names) {
        value /= step;
        i++;
    }
    if (i == 0) {
        snprintf(buffer, UNITS_MAX, "%" PRIu64 " %s", n, names[0]);
    } else {
        snprintf(buffer, UNITS_MAX, "%.*f %s",
                 value < 10    ? 2
                 : value < 100 ? 1
                               : 0,
                 value, names[i]);
    }
    return buffer;
}

const char *units_human(char buffer[UNITS_MAX], uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    return scaled(buffer, bytes, 1024, names, sizeof names / sizeof *names);
}

const char *units_duration(char buffer[UNITS_MAX], uint64_t ns)
{
    static const char *const names[] = {"ns", "us", "ms", "s"};
    return scaled(buffer, ns, 1000, names, sizeof names / sizeof *names);
}
