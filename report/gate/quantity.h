/* SPDX-License-Identifier: MIT
 *
 * Sizes, counts, percentages and dates as people write them in options and files. Sizes are
 * 1024-based. Each function takes the whole of TEXT and returns 0, or -1 with what was expected in
 * ERROR (and no word about what was there). No state.
 */
#ifndef REPORT_GATE_QUANTITY_H
#define REPORT_GATE_QUANTITY_H

#include "error.h"

#include <stdint.h>

/* `4096`, `512k`, `1.5M`, `24 MB`, `2GiB`; capital or small. */
int quantity_size(const char *text, uint64_t *bytes, struct error *error);

/* A whole number. */
int quantity_count(const char *text, uint64_t *count, struct error *error);

/* `5`, `2.5`, `10%`. */
int quantity_percent(const char *text, double *percent, struct error *error);

/* A day of the calendar, `2027-01-01`. */
int quantity_date(const char *text, struct error *error);

#endif
