/* SPDX-License-Identifier: MIT */
#include "histogram.h"

static uint8_t width_of(uint64_t greatest)
{
    uint8_t width = 1;
    while (greatest >>= 8)
        width++;
    return width;
}

struct dump_histogram histogram_pack(struct pool *pool, const uint64_t *counts, size_t n)
{
    struct dump_histogram h = {.n = (uint8_t)n};
    uint64_t greatest = 0;
    while (h.first < n && counts[h.first] == 0)
        h.first++;
    for (size_t i = h.first; i < n; i++)
        greatest = counts[i] > greatest ? counts[i] : greatest;
    h.width = width_of(greatest);
    uint8_t *packed = h.first < n ? pool_bytes(pool, (n - h.first) * h.width) : NULL;
    h.counts = packed;
    for (size_t i = h.first; i < n; i++)
        for (unsigned shift = 0; shift < 8u * h.width; shift += 8)
            *packed++ = (uint8_t)(counts[i] >> shift);
    return h;
}

uint64_t histogram_count(const struct dump_histogram *h, size_t bucket)
{
    uint64_t count = 0;
    if (bucket < h->first || bucket >= h->n)
        return 0;
    const uint8_t *packed = h->counts + (bucket - h->first) * h->width;
    for (unsigned byte = 0; byte < h->width; byte++)
        count |= (uint64_t)packed[byte] << 8 * byte;
    return count;
}
