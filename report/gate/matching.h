/* SPDX-License-Identifier: MIT
 *
 * Which suppression is for which stack of a model: worked out once for every function, then handed
 * down the calls. As in LeakSanitizer the innermost frame that any pattern matches decides, and of
 * several patterns that match it the first. The allocation function counts as a frame, the
 * innermost, as LeakSanitizer's own does. Does not fail (memory.h).
 */
#ifndef REPORT_GATE_MATCHING_H
#define REPORT_GATE_MATCHING_H

#include "model.h"
#include "suppressions.h"

#define MATCHING_NONE UINT32_MAX

/* The entries that are looked at: what suppresses, what did until it expired, the allow-list. */
enum matching_of { MATCHING_ACTIVE, MATCHING_EXPIRED, MATCHING_ONLY };

struct matching {
    const struct model *model;
    const struct suppressions *suppressions;
    enum matching_of of;
    /* By code, then by frame of the dump: the suppression for stacks that end there, or _NONE. */
    uint32_t *by_code, *by_frame;
    /* By code: the same for patterns that are for the top only. */
    uint32_t *top_by_code;
};

struct matching matching_new(const struct model *m, const struct suppressions *s,
                             enum matching_of of);
void matching_free(struct matching *m);

/* The suppression for the stack that ends in FRAME, whose blocks FUNCTION allocated (NULL: not
 * known); MATCHING_NONE. */
uint32_t matching_find(const struct matching *m, uint32_t frame, const char *function);

#endif
