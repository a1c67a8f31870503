/* SPDX-License-Identifier: MIT
 *
 * MEMPROF_DUMP_AT: whether the memory in use has come to a size, or to a share of a limit. Of
 * limits there are RLIMIT_AS, against which address space counts, RLIMIT_DATA with private writable
 * mappings, and the control group's, with what its processes use together; without any of them the
 * machine's memory. What the process itself has resident, or has allocated, counts against each.
 *
 * Under the recorder's lock. Reads files of /proc and /sys; where they cannot be read what they
 * tell does not count.
 */
#ifndef PRELOAD_WATCH_H
#define PRELOAD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cause.h"
#include "cgroup.h"
#include "options.h"

struct watch {
    uint64_t at_bytes;     /* 0: not by size */
    uint32_t at_percent;   /* thousandths of a percent; 0: not by share */
    bool above;            /* it has been told, and the use has not gone down since */
    bool found;            /* `group` has been looked for */
    uint64_t next_ns;      /* when to look again; UINT64_MAX: never */
    uint64_t next_find_ns; /* limits of control groups may change */
    struct cgroup group;
};

void watch_start(struct watch *w, const struct options *options);

/* Looks, at ELAPSED_NS, if it is time to. LIVE_BYTES: allocated and not freed. Returns whether the
 * limit has been passed just now, and by what, as a trigger in CAUSE. It is told again when the use
 * has been an eighth below in between. */
bool watch_look(struct watch *w, uint64_t live_bytes, uint64_t elapsed_ns, struct cause *cause);

#endif
