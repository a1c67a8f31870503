/* SPDX-License-Identifier: MIT
 *
 * What output may consist of, worked out apart from the code that is tested. No state.
 */
#ifndef FUZZ_PLAIN_H
#define FUZZ_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether TEXT is UTF-8 without control characters and without any that reorder what is read. */
bool plain_text(const char *text);

#endif
