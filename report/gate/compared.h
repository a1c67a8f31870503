/* SPDX-License-Identifier: MIT
 *
 * The leaking stacks that proposals of suppressions are compared with, taken apart into places
 * once: a pattern is then compared with each place, not with each stack. Valid as long as no more
 * names are looked up. Does not fail (memory.h).
 */
#ifndef REPORT_GATE_COMPARED_H
#define REPORT_GATE_COMPARED_H

#include "stackset.h"

struct compared {
    size_t n;                    /* stacks */
    uint32_t *refs;              /* places of stack I: from first[I] up to first[I + 1] */
    size_t *first;               /* NULL: nothing was compared yet */
    const struct place **places; /* each once, by address */
    size_t nplaces;
    bool *hit; /* by place, of the pattern at hand */
};

/* At most MOST of LEAKS. */
struct compared compared_new(const struct stackset *leaks, size_t most);
void compared_free(struct compared *c);

/* On how many stacks PATTERN matches a function or a module. */
size_t compared_count(const struct compared *c, const char *pattern);

#endif
