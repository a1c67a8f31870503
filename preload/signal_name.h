/* SPDX-License-Identifier: MIT
 *
 * The names of signals, without libc's tables, which allocate or depend on the locale. Constants;
 * any thread, in a signal handler too.
 */
#ifndef PRELOAD_SIGNAL_NAME_H
#define PRELOAD_SIGNAL_NAME_H

#include <stdbool.h>

#define SIGNAL_MAX 64
#define SIGNAL_RT_MIN 34 /* glibc keeps 32 and 33 */

/* "TERM" of 15; NULL: it has no name here. */
const char *signal_name(int number);

/* 15 of "TERM"; 0: nothing of that name. */
int signal_number(const char *name);

/* Whether NUMBER may ask for something: not one that ends or stops the program for good, and not
 * one that tells of a fault. */
bool signal_is_request(int number);

/* Whether an instruction's fault raises it. */
bool signal_is_fault(int number);

#endif
