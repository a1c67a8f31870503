/* SPDX-License-Identifier: MIT
 *
 * The verbs that know stacks again: each works on all its files together.
 */
#ifndef REPORT_VERBS_COMPARE_H
#define REPORT_VERBS_COMPARE_H

struct options;
struct out;

/* As verbs.h has `run_all`. */
int verb_baseline(const struct options *options, struct out *out);
int verb_diff(const struct options *options, struct out *out);

#endif
