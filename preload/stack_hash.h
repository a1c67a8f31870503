/* SPDX-License-Identifier: MIT
 *
 * The hash of a stack's frames 0 .. n-1, innermost first: the sum of value(ip[i]) * FACTOR^(n-1-i).
 * So it can be extended by an inner frame, and what is beyond a limit be taken out of it. Pure
 * functions, for any thread.
 */
#ifndef PRELOAD_STACK_HASH_H
#define PRELOAD_STACK_HASH_H

#include <stdint.h>

#define STACK_HASH_FACTOR ((uint64_t)0x9fb21c651e98df25u)

/* OUTER: the hash of all frames further out; 0: there are none. */
static inline uint64_t stack_hash_extend(uint64_t outer, uintptr_t ip)
{
    const uint64_t v = ip * 0x9e3779b97f4a7c15u;
    return outer * STACK_HASH_FACTOR + (v ^ v >> 32);
}

#endif
