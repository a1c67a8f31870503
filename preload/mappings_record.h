/* SPDX-License-Identifier: MIT
 *
 * What the hooks of mapping functions have the recorder do, around the real call. Unlike the hooks
 * of malloc they may run while an allocator holds its locks: nothing here allocates, begins the
 * recording, or writes a dump. All keep errno. Any thread, in a signal handler.
 */
#ifndef PRELOAD_MAPPINGS_RECORD_H
#define PRELOAD_MAPPINGS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder.h"

/* Whether mappings are recorded in this process now. FRAME: of the hook. */
bool mappings_watched_slow(struct recorder *r, uintptr_t frame);

static inline bool mappings_watched(struct recorder *r, uintptr_t frame)
{
    return unlikely(r->options.mmap) && mappings_watched_slow(r, frame);
}

/* How a call unmaps. */
enum mappings_how {
    MAPPINGS_UNMAP, /* all or nothing */
    MAPPINGS_MOVE,  /* a call that fails may have unmapped some of it */
    MAPPINGS_OVER,  /* the same; and nothing need have been there */
};

/* What a call is going to unmap, until it is known whether it did. Zero-initialised: nothing. */
struct mappings_change {
    struct piece *taken;
    bool any; /* there was something to take, known or not */
    enum mappings_how how;
};

void mappings_before(struct recorder *r, struct mappings_change *change, enum mappings_how how,
                     uintptr_t start, uintptr_t end);
void mappings_before_detach(struct recorder *r, struct mappings_change *change, uintptr_t start);

/* The call returned; it UNMAPPED what was to be, or failed. */
void mappings_after(struct recorder *r, struct mappings_change *change, bool unmapped);

/* FUNCTION mapped what lies from START up to END. REALLOCATED: it was mapped elsewhere before. */
void mappings_mapped(struct recorder *r, enum site_function function,
                     const struct stack_start *caller, uintptr_t start, uintptr_t end,
                     bool reallocated);

/* FUNCTION could not. */
void mappings_unmappable(struct recorder *r, enum site_function function,
                         const struct stack_start *caller);

#endif
