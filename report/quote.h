/* SPDX-License-Identifier: MIT
 *
 * Prints strings from dumps and debug information as each form of output needs them. They may hold
 * anything: terminal escapes, controls that reorder text, bytes that are not UTF-8. Write errors
 * stay in the stream.
 */
#ifndef REPORT_QUOTE_H
#define REPORT_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* For terminals, as escape.h has it, but that invisible characters are written out as well:
 * controls and stray bytes as \x1b, others as \u202e. */
void quote_text(FILE *out, const char *s);

/* With the quotes around. Bytes that are not UTF-8 become U+FFFD, controls \u001b. A NULL is
 * `null`. */
void quote_json(FILE *out, const char *s);

/* RFC 4180: quoted if need be. A cell that a spreadsheet would take for a formula gets an
 * apostrophe in front. Controls as in quote_text. */
void quote_csv(FILE *out, const char *s);

/* Inside a table cell: characters of the markup get a backslash or are written as entities. */
void quote_markdown(FILE *out, const char *s);

/* Decodes one character of UTF-8 at S into *C; returns its length, or 0 for a byte that does not
 * begin one (overlong forms and surrogates included). */
size_t quote_decode(const char *s, unsigned *c);

#endif
