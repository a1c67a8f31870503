/* SPDX-License-Identifier: MIT
 *
 * How many descriptors the launcher may have: two for each process that it keeps the state of, of
 * which there may be hundreds. What is raised for it is put back for the program. One thread.
 */
#ifndef LAUNCHER_DESCRIPTORS_H
#define LAUNCHER_DESCRIPTORS_H

#include <stddef.h>

/* Raises the limit as far as it goes. Returns what it is then. */
size_t descriptors_raise(void);

/* In a child, before exec: the limit that the launcher was started with. */
void descriptors_restore(void);

#endif
