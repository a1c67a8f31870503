/* SPDX-License-Identifier: MIT
 *
 * A dump's bytes, piece by piece: from a regular file, a pipe, a socket or memory, plain or
 * compressed with zstd (told by its magic number, whatever the name). What is read, and what it
 * decompresses to, is limited, since the file may come from anywhere. Holds two small buffers at
 * most. Not thread-safe.
 */
#ifndef REPORT_INPUT_H
#define REPORT_INPUT_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INPUT_MAX_BYTES ((size_t)2 << 30)

struct input;

/* Called now and then while a file is read: DONE of its TOTAL bytes, 0 if how many is not known. */
typedef void input_progress(void *arg, uint64_t done, uint64_t total);

/* Opens PATH, or standard input if it is "-". PROGRESS may be NULL. Returns NULL with the reason in
 * ERROR. */
struct input *input_open(const char *path, input_progress *progress, void *arg,
                         struct error *error);

/* The SIZE bytes at DATA, which must outlive the input; never taken for compressed. */
struct input *input_memory(const char *data, size_t size);

/* Puts up to SIZE (not 0) of the next bytes into BUFFER; returns how many, 0 at the end, -1 with
 * the reason in ERROR. */
ssize_t input_read(struct input *in, char *buffer, size_t size, struct error *error);

#define INPUT_PEEK 256

/* Copies up to SIZE (at most INPUT_PEEK) of the next bytes to BUFFER without consuming them;
 * returns as input_read. */
ssize_t input_peek(struct input *in, char *buffer, size_t size, struct error *error);

/* IN may be NULL. */
void input_close(struct input *in);

#endif
