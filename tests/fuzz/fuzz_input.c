/* SPDX-License-Identifier: MIT
 *
 * Bytes as a dump that may be compressed, up to the bytes of its text: they end, or there is a
 * reason, and a small file does not become a huge one.
 */
#include "file.h"
#include "fuzz.h"
#include "input.h"

#include <stdlib.h>

#define MAX_SIZE (64 << 10)
#define MAX_TEXT ((size_t)96 << 20)
#ifndef FUZZ_LONG /* by libFuzzer: most of what is there is at the beginning */
#define FUZZ_LONG 0
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buffer[64 << 10];
    struct error error = {""};
    if (size > MAX_SIZE)
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
