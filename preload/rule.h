/* SPDX-License-Identifier: MIT
 *
 * What it takes to step out of a frame, for one instruction address: where the canonical frame
 * address (CFA, the caller's stack pointer) is, and where the caller's frame pointer register was
 * saved. The return address is always in the word below the CFA. Derived by libunwind, run by
 * unwind.c.
 */
#ifndef PRELOAD_RULE_H
#define PRELOAD_RULE_H

#include <stdint.h>

enum rule_kind {
    RULE_SP,      /* CFA = sp + cfa_offset */
    RULE_BP,      /* CFA = bp + cfa_offset */
    RULE_LOAD_BP, /* CFA = [bp + load_offset] + cfa_offset: realigned stacks */
    RULE_LOAD_SP, /* CFA = [sp + load_offset] + cfa_offset: outlined code of such functions */
    RULE_SIGNAL,  /* a signal trampoline: the interrupted registers are in the frame */
    RULE_END,     /* the outermost frame */
    RULE_COMPLEX, /* none of these: leave it to libunwind's own step */
};

enum rule_bp {
    RULE_BP_SAME,   /* bp is not changed */
    RULE_BP_AT_CFA, /* saved at CFA + bp_offset */
    RULE_BP_AT_BP,  /* saved at bp + bp_offset */
};

struct rule {
    uint8_t kind; /* enum rule_kind */
    uint8_t bp;   /* enum rule_bp */
    int16_t load_offset;
    int32_t cfa_offset;
    int32_t bp_offset;
};

#endif
