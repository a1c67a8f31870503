/* SPDX-License-Identifier: MIT
 *
 * The sizes that libfar_malloc.so (far_malloc.c) serves in its own way.
 */
#ifndef FAR_MALLOC_H
#define FAR_MALLOC_H

#include <stddef.h>

#define FAR_SIZE ((size_t)1 << 40)
#define SCATTER_SIZE ((size_t)12288)

#endif
