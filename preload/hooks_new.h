/* SPDX-License-Identifier: MIT
 *
 * The hooks of hooks_new.c, as a table for whoever redirects calls to them.
 */
#ifndef PRELOAD_HOOKS_NEW_H
#define PRELOAD_HOOKS_NEW_H

#include <stddef.h>
#include <stdint.h>

struct hooks_new_entry {
    const char *name; /* mangled */
    uintptr_t ours;
    uintptr_t *real; /* to be set before the first call of ours */
};

extern const struct hooks_new_entry hooks_new[];
extern const size_t hooks_new_count;

#endif
