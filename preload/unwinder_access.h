/* SPDX-License-Identifier: MIT
 *
 * The callbacks through which libunwind's remote form sees the process: memory, registers and
 * unwind tables, either as they are (walking) or made up (deriving a rule). Private to unwinder.c.
 */
#ifndef PRELOAD_UNWINDER_ACCESS_H
#define PRELOAD_UNWINDER_ACCESS_H

#include <libunwind.h>
#include <stdbool.h>
#include <stdint.h>

#include "objects.h"

/* libunwind's search of a table for the entry of an address. */
typedef int unwinder_search(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int,
                            void *);

#define NREGS 128

/* What the callbacks answer from. */
struct unwinder_context {
    unwinder_search *search;
    bool deriving;
    bool no_table;                    /* there was none for an address that was searched */
    uintptr_t stack_start, stack_end; /* walking: words in here are read without a probe */
    /* Of the object whose table is searched: its code is being executed, so it stays. */
    uintptr_t object_start, object_end;
    uintptr_t loaded; /* deriving: the made-up stack word that was read, 0: none */
    unsigned loads;
    unw_word_t reg[NREGS];
    bool known[NREGS];
};

/* The callbacks; their argument: struct unwinder_context. Newer versions of libunwind, under the
 * same name, know more of them than the header may have, and copy as many as they know. */
extern union unwinder_accessors {
    unw_accessors_t known;
    void *callback[16];
} unwinder_accessors;

/* Whether IP is in an object with a table at all. */
bool unwinder_may_have_table(uintptr_t ip);

/* Where the entry lies that may be that of IP, in the table of OBJECT, which IP is in; 0: there is
 * none that is known to lie in the object. */
uintptr_t unwinder_entry(const struct object *object, uintptr_t ip);

/* Adds those that are only for newer versions. */
void unwinder_access_start(void);

/* Made-up register values, far apart and far from any mapping, by which a derived address betrays
 * what it was computed from. The last is also what is read where the return address should be: not
 * 0, the end of the stack, even where it is taken for a signed one. */
#define MADE_UP_SP ((unw_word_t)0x4000000000000000)
#define MADE_UP_BP ((unw_word_t)0x5000000000000000)
#define MADE_UP_LOAD ((unw_word_t)0x6000000000010000)
#define MADE_UP_SPAN ((unw_word_t)0x0800000000000000)

/* What a cursor holds before it is initialised. libunwind 1.6 for aarch64 leaves out which
 * registers pass arguments to handlers of exceptions: with what was on the stack, it took one for
 * such, and 0 for its value. */
#define UNWINDER_CURSOR                                                                            \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static inline bool unwinder_near(unw_word_t address, unw_word_t base)
{
    return address - (base - MADE_UP_SPAN) < 2 * MADE_UP_SPAN;
}

#endif
