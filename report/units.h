/* SPDX-License-Identifier: MIT
 *
 * Figures as people read them. Sizes are 1024-based. The results are written into a buffer of the
 * caller's; none is longer than UNITS_MAX with its NUL.
 */
#ifndef REPORT_UNITS_H
#define REPORT_UNITS_H

#include <stdint.h>

#define UNITS_MAX 64

struct unit {
    const char *name; /* "MiB" */
    uint64_t bytes;
};

/* B, KiB, MiB, GiB; ends with a NULL name. */
extern const struct unit units[];

/* The unit called NAME, in any case, with or without "iB"; NULL if there is none. */
const struct unit *unit_find(const char *name);

/* "  1.250 MiB", as memory_profiler prints it: seven places with three decimals; bytes are whole.
 */
const char *units_size(char buffer[UNITS_MAX], uint64_t bytes, const struct unit *unit);

/* "1.25 MiB", in the unit that suits. */
const char *units_human(char buffer[UNITS_MAX], uint64_t bytes);

/* "1.25 ms", in the unit that suits. */
const char *units_duration(char buffer[UNITS_MAX], uint64_t ns);

#endif
