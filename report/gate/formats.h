/* SPDX-License-Identifier: MIT
 *
 * Forms of a verdict: one vtable each, in a file of its own. Write errors stay in the stream. What
 * comes from dumps and debug information may hold anything: each form escapes it.
 */
#ifndef REPORT_GATE_FORMATS_H
#define REPORT_GATE_FORMATS_H

#include "verdict.h"

#include <stdio.h>

struct verdict_format {
    const char *name;
    void (*write)(FILE *out, const struct verdict *v);
};

extern const struct verdict_format verdict_text, verdict_json, verdict_junit, verdict_sarif,
    verdict_markdown, verdict_github, verdict_gitlab, verdict_tap;

#endif
