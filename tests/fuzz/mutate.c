/* SPDX-License-Identifier: MIT
 *
 * A mutator for dumps, linked into libFuzzer's builds: bytes changed at random mostly break the
 * JSON, so every other time a number becomes another one.
 */
#include "mutate.h"

#include <ctype.h>
#include <string.h>

static const char *const numbers[] = {"0",
                                      "-1",
                                      "-2",
                                      "1",
                                      "2",
                                      "63",
                                      "64",
                                      "65",
                                      "4096",
                                      "2147483647",
                                      "2147483648",
                                      "4294967295",
                                      "1e300",
                                      "4294967296",
                                      "4611686018427387904",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "null",
                                      "\"\"",
                                      "[]"};

/* The start of the digits at or after byte FROM, or SIZE. */
static size_t find_number(const uint8_t *data, size_t size, size_t from)
{
    while (from < size && !isdigit(data[from]))
        from++;
    return from;
}

static size_t replace_number(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    const char *text = numbers[seed % (sizeof numbers / sizeof *numbers)];
    size_t length = strlen(text);
    size_t from = find_number(data, size, seed / 32 % size), to = from;
    while (to < size && isdigit(data[to]))
        to++;
    if (from == size || size - (to - from) + length > max_size)
        return 0;
    memmove(data + from + length, data + to, size - to);
    memcpy(data + from, text, length);
    return size - (to - from) + length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t changed = 0;
    if (seed % 2 && size)
        changed = replace_number(data, size, max_size, seed / 2);
    return changed ? changed : LLVMFuzzerMutate(data, size, max_size);
}
