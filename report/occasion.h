/* SPDX-License-Identifier: MIT
 *
 * Why and when a dump was written, in words for people: the reason that it gives, with the signal
 * or the limit behind it, and which of its process's dumps it is.
 */
#ifndef REPORT_OCCASION_H
#define REPORT_OCCASION_H

#include "dump.h"

#define OCCASION_MAX 512

/* Such as "SIGSEGV ended the program: the address 0x10 could not be used". May hold names from the
 * dump as they are: to be quoted. Returns BUFFER. */
const char *occasion_words(char buffer[OCCASION_MAX], const struct dump *dump);

/* When the resident set was looked into: "at the dump", "1.25 s before the dump". Returns BUFFER.
 */
const char *occasion_resident(char buffer[OCCASION_MAX], const struct dump *dump);

/* Why the dump does not tell what the resident set consists of; NULL: it does, or is of a kind of
 * which nobody would expect it. */
const char *occasion_resident_unknown(const struct dump *dump);

#endif
