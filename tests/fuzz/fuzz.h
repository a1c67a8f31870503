/* SPDX-License-Identifier: MIT
 *
 * Between a fuzz target and what runs it: fuzz_one and fuzz_memory are the target's, and
 * LLVMFuzzerTestOneInput (bounded.c) is called by libFuzzer, or, in builds without it, by replay.c
 * with the files of the corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "json_stream.h"

#include <stddef.h>
#include <stdint.h>

/* Feeds SIZE bytes at DATA to what is tested, and aborts if something does not hold. Returns -1 if
 * they are not worth keeping. */
int fuzz_one(const uint8_t *data, size_t size);

/* Bytes of the heap that fuzz_one may hold at once for such an input. */
size_t fuzz_memory(const uint8_t *data, size_t size);

/* What the tools promise for input of any kind: so many times its size, beside buffers and tables
 * of fixed size, which are FIXED bytes. */
#define FUZZ_TIMES 10
static inline size_t fuzz_memory_within(size_t size, size_t fixed)
{
    return FUZZ_TIMES * size + fixed;
}

/* The same for JSON, of which some values are read whole: see JSON_STREAM_VALUES_MAX. */
#define FUZZ_VALUE_BYTES 128
static inline size_t fuzz_memory_of_json(const uint8_t *data, size_t size, size_t fixed)
{
    size_t values = 0;
    for (size_t i = 0; i < size; i++)
        values += data[i] == ',' || data[i] == ':' || data[i] == '[' || data[i] == '{';
    values = values < JSON_STREAM_VALUES_MAX ? values : JSON_STREAM_VALUES_MAX;
    return fuzz_memory_within(size, fixed + values * FUZZ_VALUE_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
