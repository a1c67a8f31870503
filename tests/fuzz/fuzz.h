/* SPDX-License-Identifier: MIT
 *
 * What libFuzzer calls; in builds without it, replay.c calls it with the files of the corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
