/* SPDX-License-Identifier: MIT */
#include "footprint_kept.h"

#include <stddef.h>

#define SHARE 100u /* of the run time: a reading takes at most one part in so many */
#define LEAST_NS 1000000000u

void footprint_kept_store(struct footprint_kept *k, const struct footprint_reading *reading,
                          uint64_t end_ns)
{
    const uint64_t took = end_ns > reading->elapsed_ns ? end_ns - reading->elapsed_ns : 0;
    k->next_ns = end_ns + (took * SHARE > LEAST_NS ? took * SHARE : LEAST_NS);
    if (reading->footprint.known) {
        const uint32_t next = atomic_load(&k->number) + 1;
        k->copy[next % 2] = *reading;
        atomic_store(&k->number, next);
    }
}

const struct footprint_reading *footprint_kept_last(const struct footprint_kept *k)
{
    const uint32_t number = atomic_load(&k->number);
    return number ? &k->copy[number % 2] : NULL;
}
