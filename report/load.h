/* SPDX-License-Identifier: MIT
 *
 * From a file to a `struct dump`. Every number that is used as an index has been checked when this
 * returns: ids are in range, parents come before their children. Sums that disagree are a warning
 * in the dump, since what the file says is still of use; all else that is wrong is an error. The
 * file is read once, from front to back, and only the dump itself is kept of it. Its members may
 * come in any order; those that are not known are passed over.
 */
#ifndef REPORT_LOAD_H
#define REPORT_LOAD_H

#include "dump.h"
#include "error.h"
#include "input.h"

/* The code of the warnings that loading adds. */
#define LOAD_SUMS_DIFFER "sums-differ"

/* Loads PATH ("-": standard input). Returns NULL with one line in ERROR that says what is wrong
 * and where. PATH must live as long as the dump. PROGRESS may be NULL. */
struct dump *load_file(const char *path, input_progress *progress, void *arg, struct error *error);

/* The same for what is in INPUT, which is closed. */
struct dump *load_input(const char *path, struct input *input, struct error *error);

/* The same for SIZE bytes of JSON at DATA. */
struct dump *load_bytes(const char *path, const char *data, size_t size, struct error *error);

/* Makes what was recorded of mappings what the dump is about. Returns -1 if nothing was. */
int load_use_mappings(struct dump *dump);

void load_free(struct dump *dump);

#endif
