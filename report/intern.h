/* SPDX-License-Identifier: MIT
 *
 * One copy of every string: equal strings get the same pointer, so that they can be compared and
 * hashed by address. The strings live until the table is freed. Not thread-safe.
 */
#ifndef REPORT_INTERN_H
#define REPORT_INTERN_H

#include <stddef.h>

struct intern;

/* Returns NULL only without memory. */
struct intern *intern_new(void);
void intern_free(struct intern *t);

/* The table's copy of TEXT (LENGTH bytes); NULL only without memory. */
const char *intern_bytes(struct intern *t, const char *text, size_t length);
const char *intern_string(struct intern *t, const char *text);

/* The same, freeing the malloc'd TEXT. TEXT may be NULL: then so is the result. */
const char *intern_take(struct intern *t, char *text);

#endif
