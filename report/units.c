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

/* VALUE with three significant digits at least, without decimals that say nothing. */
static const char *scaled(char buffer[UNITS_MAX], double value, const char *name)
{
    snprintf(buffer, UNITS_MAX, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, name);
    return buffer;
}

const char *units_human(char buffer[UNITS_MAX], uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t i = 0;
    while (value >= 1024 && i + 1 < sizeof names / sizeof *names) {
        value /= 1024;
        i++;
    }
    if (i == 0) {
        snprintf(buffer, UNITS_MAX, "%" PRIu64 " B", bytes);
        return buffer;
    }
    return scaled(buffer, value, names[i]);
}

const char *units_duration(char buffer[UNITS_MAX], uint64_t ns)
{
    static const char *const names[] = {"ns", "us", "ms", "s"};
    double value = (double)ns;
    size_t i = 0;
    while (value >= 1000 && i + 1 < sizeof names / sizeof *names) {
        value /= 1000;
        i++;
    }
    if (i == 0) {
        snprintf(buffer, UNITS_MAX, "%" PRIu64 " ns", ns);
        return buffer;
    }
    return scaled(buffer, value, names[i]);
}
