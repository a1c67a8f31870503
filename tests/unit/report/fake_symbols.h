/* SPDX-License-Identifier: MIT
 *
 * A symbolizer that knows a table, for modules whose addresses are their file offsets.
 */
#ifndef FAKE_SYMBOLS_H
#define FAKE_SYMBOLS_H

#include "dump.h"
#include "symbolize.h"

struct fake {
    uint64_t address;
    const struct symbol *symbols; /* innermost first */
    size_t n;
    uint32_t first, last; /* of the function; 0: unknown */
};

/* The table, which the test defines; ends with a NULL `symbols`. */
extern const struct fake fake_table[];

/* How often symbolizer_lookup was called since the last symbolizer was made, and how often for an
 * address that was not behind the one before it, of a dump's modules one after the other. */
extern unsigned fake_lookups, fake_backwards;

/* For symbolizer_new without options. */
struct symbolizer *fake_symbolizer(void);

/* A module at 0, so that offsets are addresses. */
#define FAKE_MODULE(name)                                                                          \
    {                                                                                              \
        .path = (name), .end = 0x100000, .unloaded_ns = UINT64_MAX                                 \
    }

#endif
