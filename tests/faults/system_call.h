/* SPDX-License-Identifier: MIT
 *
 * Put in front of the library's sys.c, through which it makes every system call of its own, in the
 * test build that injects faults: the instruction is replaced by a function that may fail.
 */
#ifndef FAULTS_SYSTEM_CALL_H
#define FAULTS_SYSTEM_CALL_H

#include "arch.h"

long faults_system_call(long number, long a, long b, long c, long d, long e, long f);
#define arch_system_call faults_system_call

#endif
