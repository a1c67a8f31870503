/* SPDX-License-Identifier: MIT
 * Lines in a file that is not the function's. */
#define PROBE_TWICE(chain) (probe(chain) + probe(chain))

static INLINE int in_header(const struct chain *outer)
{
    return probe(AT("in_header", outer)) + 1;
}
