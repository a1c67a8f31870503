/* SPDX-License-Identifier: MIT
 *
 * Sorting what is shown of a long list, without sorting the rest. Does not fail, allocates nothing
 * of the list's length when little is shown.
 */
#ifndef REPORT_TOP_H
#define REPORT_TOP_H

#include <stddef.h>

/* As qsort_r, but only the first MOST (0: all) of the N elements need be right; the others follow
 * in any order. COMPARE must tell any two elements apart for the result to be definite. */
void top_sort(void *base, size_t n, size_t size, size_t most,
              int (*compare)(const void *, const void *, void *), void *arg);

#endif
