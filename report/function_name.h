/* SPDX-License-Identifier: MIT
 *
 * Names of functions as demanglers print them, taken apart so that people can ask for them by what
 * they wrote: without parameters, return type, template arguments. Ends the tool without memory.
 */
#ifndef REPORT_FUNCTION_NAME_H
#define REPORT_FUNCTION_NAME_H

#include <stdbool.h>

/* Whether GLOB matches NAME: the whole of it; without its return type; without its parameters, what
 * follows them and the return type (`ns::make<int>`); or without template arguments, too
 * (`ns::make`). The distance in `function+0x1c` does not count either. */
bool function_name_matches(const char *name, const char *glob);

/* What people wrote of NAME, and what compilers agree in: without all of the above and without the
 * suffixes of clones (.constprop.0, [clone .cold]); closures have no number. Malloc'd. */
char *function_name_plain(const char *name);

#endif
