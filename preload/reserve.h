/* SPDX-License-Identifier: MIT
 *
 * Address space set aside for a dump that is written when the program has none left. It is given up
 * when a mapping for a dump fails, and taken again afterwards if there is room. Nothing of it is
 * resident. By the thread that writes a dump, or before there are others.
 */
#ifndef PRELOAD_RESERVE_H
#define PRELOAD_RESERVE_H

#include <stddef.h>

/* Takes it, unless it is there or there is no room. */
void reserve_take(void);

/* As sys_map, at the reserve's cost if need be. */
void *reserve_map(size_t size);

#endif
