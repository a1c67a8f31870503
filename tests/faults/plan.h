/* SPDX-License-Identifier: MIT
 *
 * Which call is to fail, as the environment has it:
 *
 *     MEMPROF_FAULT=CLASS:FIRST[-LAST]   calls of CLASS are counted from 1; FIRST to LAST fail
 *     MEMPROF_FAULT_LOG=FILE             a line for each that did, "CLASS NUMBER", is appended
 *
 * For test builds alone. Raw system calls only, so it can be asked at any time, on any thread, and
 * before libc is initialised. A child of fork counts on from where its parent was.
 */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#include <stdbool.h>

/* Whether this call of CLASS is to fail. Counts it. */
bool plan_fails(const char *class_name);

#endif
