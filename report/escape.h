/* SPDX-License-Identifier: MIT
 *
 * Text from outside (names, source lines) made harmless for a terminal: what could move the
 * cursor, change its state or reorder what is read appears in writing. Controls and bytes that are
 * not UTF-8 become \x1b, bidirectional controls \u202e. Safe from anywhere; no state.
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stddef.h>

/* Bytes of a line or name beyond this are replaced by "..". */
#define ESCAPE_MAX_BYTES (64u << 10)

/* LENGTH bytes of TEXT, escaped; tabs become spaces up to the next multiple of TAB_WIDTH columns,
 * or \x09 if TAB_WIDTH is 0. A malloc'd string; NULL only without memory. */
char *escape_text(const char *text, size_t length, unsigned tab_width);

#endif
