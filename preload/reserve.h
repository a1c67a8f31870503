/* SPDX-License-Identifier: MIT
 *
 * Address space set aside for a dump that is written when the program has none left, or is allowed
 * none any more. What cannot be mapped for a dump comes from there and goes back there. Nothing of
 * it is resident but for that time. By the thread that writes a dump, or before there are others.
 */
#ifndef PRELOAD_RESERVE_H
#define PRELOAD_RESERVE_H

#include <stddef.h>

/* Takes it, unless it is there or there is no room. */
void reserve_take(void);

/* As sys_map, from the reserve if need be. */
void *reserve_map(size_t size);

/* What reserve_map returned, and the size that it was asked for. */
void reserve_unmap(void *p, size_t size);

/* In a child of fork: whoever wrote a dump from it is not there. */
void reserve_child(void);

#endif
