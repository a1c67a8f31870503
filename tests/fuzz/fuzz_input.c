/* SPDX-License-Identifier: MIT
 *
 * Bytes as a dump that may be compressed, up to the bytes of its text: they end, or there is a
 * reason, and a small file does not become a huge one.
 */
#include "file.h"
#include "fuzz.h"
#include "input.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIZE (64 << 10)
#define MAX_TEXT ((size_t)96 << 20)
#define MAX_WINDOW ((size_t)128 << 20) /* zstd's own limit: what it refers back to of the text */
#define USUAL_WINDOW ((size_t)192 << 10)
#define FIXED_BYTES ((size_t)1 << 20) /* of which zstd has most */
#ifndef FUZZ_LONG                     /* by libFuzzer: most of what is there is at the beginning */
#define FUZZ_LONG 0
#endif

/* The window that the frame of zstd at DATA asks for, 0 if it is none: see RFC 8878, 3.1.1.1. */
static size_t window_at(const uint8_t *data, size_t size)
{
    static const uint8_t magic[3] = {0xb5, 0x2f, 0xfd}, id_sizes[4] = {0, 1, 2, 4};
    if (size < 6 || memcmp(data + 1, magic, sizeof magic) != 0)
        return 0;
    if (data[0] != 0x28) /* of versions before 0.8, which libzstd still reads */
        return data[0] >= 0x22 && data[0] < 0x28 ? MAX_WINDOW : 0;
    size_t window = 0;
    if (data[4] & 0x20) { /* as large as the content */
        const uint8_t *field = data + 5 + id_sizes[data[4] & 3];
        for (size_t i = (size_t)1 << (data[4] >> 6); i-- > 0;)
            window = window << 8 | (field + i < data + size ? field[i] : 0);
        window += data[4] >> 6 == 1 ? 256 : 0;
    } else {
        window = (size_t)1 << (10 + (data[5] >> 3));
        window += window / 8 * (data[5] & 7);
    }
    return window < MAX_WINDOW ? window : MAX_WINDOW;
}

/* The largest of all frames. */
static size_t window_of(const uint8_t *data, size_t size)
{
    size_t most = 0;
    for (size_t i = 0; i < size; i++) {
        const size_t window = window_at(data + i, size - i);
        most = window > most ? window : most;
    }
    return most;
}

/* The window is touched only as text passes through it: what of it is resident is no more than the
 * text. */
size_t fuzz_memory(const uint8_t *data, size_t size)
{
    return fuzz_memory_within(size, FIXED_BYTES + window_of(data, size));
}

int fuzz_one(const uint8_t *data, size_t size)
{
    static char buffer[64 << 10];
    struct error error = {""};
    /* To set up a large window takes AddressSanitizer longer than all the rest: now and then. */
    if (size > MAX_SIZE ||
        (FUZZ_LONG && window_of(data, size) > USUAL_WINDOW && data[size - 1] % 64))
        return -1;
    struct input *in = input_open(file_of_bytes(data, size), NULL, NULL, &error);
    ssize_t got = in ? input_peek(in, buffer, INPUT_PEEK, &error) : -1;
    size_t total = 0;
    /* Pieces of all sizes. */
    for (size_t piece = 1; got > 0 && !(FUZZ_LONG && total > 256 << 10);
         piece = piece * 7 % sizeof buffer + 1) {
        got = input_read(in, buffer, piece, &error);
        total += got > 0 ? (size_t)got : 0;
        if (total > MAX_TEXT)
            abort();
    }
    if ((got < 0) != (error.text[0] != '\0'))
        abort();
    input_close(in);
    return 0;
}
