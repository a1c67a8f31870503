/* SPDX-License-Identifier: MIT
 *
 * What a tool says on standard error, and the one place that ends it. Every line starts with
 * the tool's name and is escaped: messages quote file names and parts of dumps.
 */
#ifndef REPORT_DIE_H
#define REPORT_DIE_H

/* The first word of every line; "memprof-report" unless main sets another. */
extern const char *die_program;

#define EXIT_UNUSABLE 2 /* usage error, or input that cannot be used */

/* Prints one line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints one line and exits with EXIT_UNUSABLE. Only main, verbs and memory.c may call this. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
