/* SPDX-License-Identifier: MIT
 *
 * Address ranges that nest and overlap, flattened into disjoint segments, so that the innermost
 * range around an address is found by one binary search, however the input was made. Owns the
 * segments only.
 */
#ifndef REPORT_SEGMENTS_H
#define REPORT_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#define SEGMENTS_NONE UINT32_MAX

/* Addresses LOW <= a < HIGH belong to ID. Of ranges that begin together the one with the highest
 * RANK is the innermost; otherwise the one that begins last. */
struct span {
    uint64_t low, high;
    uint32_t rank, id;
};

struct spans {
    struct span *at;
    size_t n, capacity;
};

struct segment {
    uint64_t low; /* up to the next segment's */
    uint32_t id;  /* SEGMENTS_NONE: a gap */
};

struct segments {
    struct segment *at;
    size_t n;
};

/* Appends a range; an empty one is left out. Returns 0, or -1 without memory. */
int spans_add(struct spans *s, struct span span);
void spans_free(struct spans *s);

/* Sorts SPANS and builds *OUT of them. Returns 0, or -1 without memory (then *OUT is empty). */
int segments_build(struct segments *out, struct spans *spans);
void segments_free(struct segments *s);

/* The innermost range around ADDRESS, or SEGMENTS_NONE. */
uint32_t segments_find(const struct segments *s, uint64_t address);

#endif
