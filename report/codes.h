/* SPDX-License-Identifier: MIT
 *
 * Which frames are at the same place in the code: a dump of millions of frames has some tens of
 * thousands of addresses, and what is to be known of an address is found out once. Does not fail
 * (memory.h).
 */
#ifndef REPORT_CODES_H
#define REPORT_CODES_H

#include "dump.h"

#define CODES_ROOT 0 /* of the root frame alone */

struct code {
    int32_t module;   /* as in the frame */
    uint32_t frame;   /* the first that is here */
    uint64_t address; /* as the module's ELF file has it, stepped back into the call; of a frame
                         without a module its offset */
};

struct codes {
    struct code *code; /* in the order of their first frames */
    size_t n;
    uint32_t *of; /* by frame */
};

struct codes codes_new(const struct dump *dump);
void codes_free(struct codes *c);

/* The codes that have a module, by module and address: an array of *N, to be freed. */
uint32_t *codes_sorted(const struct codes *c, size_t *n);

#endif
