/* SPDX-License-Identifier: MIT
 *
 * Why a dump is written, as far as its reason does not say it: the signal that ends the program,
 * the limit that was passed, the allocation that failed. Plain data and how it is written; signal
 * handlers, too.
 */
#ifndef PRELOAD_CAUSE_H
#define PRELOAD_CAUSE_H

#include <stdint.h>

#include "json.h"

struct cause {
    int signal;       /* 0: none; the rest as in siginfo_t */
    int signal_code;  /* above 0: raised by the kernel */
    int sender;       /* process that sent it; 0: none or not known */
    uint64_t address; /* of a fault */

    const char *trigger; /* what asked for a snapshot: see dump.schema.json; NULL: nothing */
    uint64_t limit_bytes, used_bytes; /* of the limit that came near */
    uint64_t requested_bytes;         /* by the call that failed */
};

/* Writes the members "signal" and "trigger", each if there is one. */
void cause_write(struct json *j, const struct cause *c);

#endif
