/* SPDX-License-Identifier: MIT
 *
 * The verb `check`.
 */
#ifndef REPORT_GATE_CHECK_H
#define REPORT_GATE_CHECK_H

struct options;
struct out;

/* Judges the dumps of OPTIONS together; the verdict goes to OUT and to the files that OPTIONS name.
 * Returns the exit status: 0, 1 when a check failed, EXIT_UNUSABLE after a line on standard error,
 * with nothing printed. Ends the tool on wrong options and files that cannot be read or written. */
int check_run(const struct options *options, struct out *out);

#endif
