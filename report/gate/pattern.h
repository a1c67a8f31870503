/* SPDX-License-Identifier: MIT
 *
 * Patterns of LeakSanitizer's suppression files. No state; any thread; cannot fail.
 */
#ifndef REPORT_GATE_PATTERN_H
#define REPORT_GATE_PATTERN_H

#include <stdbool.h>

/* Whether PATTERN matches TEXT: somewhere in it, at its beginning after a leading `^`, up to its
 * end before a `$`; `*` stands for anything. Each piece between the stars is looked for where it
 * comes first and never again further on, as LeakSanitizer does it: `b$` does not match "bab".
 * Empty or missing text matches nothing. */
bool pattern_matches(const char *pattern, const char *text);

#endif
