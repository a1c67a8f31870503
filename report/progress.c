/* SPDX-License-Identifier: MIT */
#include "progress.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct progress progress_new(bool quiet)
{
    return (struct progress){.wanted = !quiet && isatty(STDERR_FILENO), .started = time(NULL)};
}

void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total)
{
    char size[UNITS_MAX];
    time_t now = p->wanted ? time(NULL) : 0;
    if (now - p->started < PROGRESS_PATIENCE || (now == p->shown && what == p->what))
        return;
    p->shown = now;
    p->what = what;
    if (total)
        fprintf(stderr, "\rmemprof-report: %s: %" PRIu64 " %%\033[K", what,
                done < total ? (uint64_t)(100 * (double)done / (double)total) : 100);
    else
        fprintf(stderr, "\rmemprof-report: %s: %s\033[K", what, units_human(size, done));
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = 0;
}
