/* SPDX-License-Identifier: MIT
 *
 * The part of odd_frames that is compiled without unwind tables.
 */
#ifndef ODD_FRAMES_H
#define ODD_FRAMES_H

/* Calls FUNCTION below DEPTH more frames of no description. */
void odd_frames_bare(void (*function)(void), unsigned depth);

#endif
