/* SPDX-License-Identifier: MIT
 *
 * Why something failed, in words for the user: filled by whoever noticed, printed by main. The
 * first error wins, so that callers may add nothing on their way out.
 */
#ifndef REPORT_ERROR_H
#define REPORT_ERROR_H

#include <stdarg.h>
#include <stdio.h>

struct error {
    char text[512]; /* empty: no error; otherwise lower case, one line, no subject */
};

/* Returns -1, so that a failing function may return its result. */
__attribute__((format(printf, 2, 3))) static inline int error_set(struct error *e,
                                                                  const char *format, ...)
{
    if (e->text[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
    }
    return -1;
}

#endif
