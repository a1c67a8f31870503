/* SPDX-License-Identifier: MIT
 *
 * What libearly_library.so allocated before main, for early.c to check and free. */
#ifndef SAMPLES_EARLY_H
#define SAMPLES_EARLY_H

#define EARLY_BLOCKS 50

extern void *early_blocks[EARLY_BLOCKS];
extern int early_resolved; /* whether the resolver was given a block */
extern int early_child;    /* whether a child of the constructor's ended well */
int early_choice(void);

#endif
