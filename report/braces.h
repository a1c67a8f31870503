/* SPDX-License-Identifier: MIT
 *
 * Where a function ends, by the braces in its source: optimised code has no lines for much of what
 * stands at a function's end. Knows strings, character literals, comments and preprocessor
 * branches of the C family and of Rust; needs no memory and cannot fail otherwise than by not
 * knowing.
 */
#ifndef REPORT_BRACES_H
#define REPORT_BRACES_H

#include <stddef.h>
#include <stdint.h>

enum braces_language { BRACES_NONE, BRACES_C, BRACES_RUST };

/* The language of FILE by its name. */
enum braces_language braces_language(const char *file);

/* TEXT, of SIZE bytes, begins with line FIRST, where a function is declared; LAST is the last line
 * that is known to be its own. Returns the line of the brace that closes it, >= LAST, or 0 if the
 * text has none: no body at LAST or on the line after, or braces that do not match. */
uint32_t braces_last_line(enum braces_language language, const char *text, size_t size,
                          uint32_t first, uint32_t last);

#endif
