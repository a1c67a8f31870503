/* SPDX-License-Identifier: MIT
 *
 * Reads a dump's bytes: from a regular file, a pipe or a socket, plain or compressed with zstd
 * (told by its magic number, whatever the name). What is read, and what it decompresses to, is
 * limited, since the file may come from anywhere.
 */
#ifndef REPORT_INPUT_H
#define REPORT_INPUT_H

#include "error.h"

#include <stddef.h>

#define INPUT_MAX_BYTES ((size_t)2 << 30)

/* Reads PATH, or standard input if it is "-", into *DATA (to be freed) and *SIZE. Returns 0, or -1
 * with the reason in ERROR. */
int input_read(const char *path, char **data, size_t *size, struct error *error);

#endif
