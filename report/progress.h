/* SPDX-License-Identifier: MIT
 *
 * How far the tool is, on a terminal at standard error: a line that is written over, once the work
 * has taken a while, and that is gone when something else is printed. Nothing elsewhere.
 */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PROGRESS_PATIENCE 2 /* seconds before it is shown */

struct progress {
    bool wanted;
    time_t started, shown; /* the latter 0: there is no line */
    const char *what;
};

/* Begins now. QUIET: not to be shown, terminal or not. */
struct progress progress_new(bool quiet);

/* WHAT, such as "reading", has got to DONE of TOTAL; TOTAL 0: bytes of nobody knows how many. At
 * most once a second, but at once when WHAT is another pointer than before. */
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total);

/* Takes the line away. To be called before anything else is printed. */
void progress_clear(struct progress *p);

#endif
