/* SPDX-License-Identifier: MIT
 *
 * Bytes as a file, for targets that fuzz what opens files by name. In memory; one at a time.
 */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The name of a regular file with these bytes, until the next call. Ends the program on failure. */
const char *file_of_bytes(const uint8_t *data, size_t size);

#endif
