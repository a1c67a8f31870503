/* SPDX-License-Identifier: MIT
 *
 * Memory that the C and C++ run-time libraries take on first use and keep until the process ends:
 * buffers of standard streams, locales, conversions, name services, threads' TLS, what the loader
 * knows of its objects, the pool for exceptions. It is not freed in any program, so the gate knows
 * it, names it and does not count it as the program's leaks. A constant table; no state.
 *
 * An allocation is one of these only if nothing but the run-time libraries is between it and the
 * function that is known: what a program's comparison function or constructor allocates is its own.
 * What these libraries hand to the program (a FILE, an address list, a conversion) is not in the
 * table: not to give it back is the program's leak.
 */
#ifndef REPORT_GATE_RUNTIME_H
#define REPORT_GATE_RUNTIME_H

#include "model.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the module at PATH (may be NULL) is one of these libraries. */
bool runtime_is_module(const char *path);

/* What BLOCKS live blocks of the stack that ends in FRAME are, such as "dynamic loader"; NULL: the
 * program's own. */
const char *runtime_name(const struct model *m, uint32_t frame, uint64_t blocks);

#endif
