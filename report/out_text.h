/* SPDX-License-Identifier: MIT
 *
 * Between the two files of the text format.
 */
#ifndef REPORT_OUT_TEXT_H
#define REPORT_OUT_TEXT_H

#include "format.h"

void text_bold(const struct out *o, bool on);
void text_lines(struct out *o, const struct lines_report *r);
void text_leaks(struct out *o, const struct leaks_report *r);
void text_summary(struct out *o, const struct summary_report *r);

#endif
