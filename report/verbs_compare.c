/* SPDX-License-Identifier: MIT */
#include "verbs_compare.h"
#include "baseline.h"
#include "die.h"
#include "side.h"

/* Whether all that SIDE is of can stand for a run: what saw nothing, or not all, would make
 * everything look new later on, or nothing. */
static int check_events(const struct side *side)
{
    for (size_t i = 0; i < side->njobs; i++) {
        const struct dump *dump = side->jobs[i].dump;
        if (dump->totals.c.alloc_count == 0 && !dump->of_mappings) {
            complain("'%s': records no allocation at all, expected a dump of a run that was seen",
                     dump->path);
            return -1;
        }
        if (!dump->complete && !side->jobs[i].options->quiet)
            complain("'%s': warning: the dump is not complete, so the baseline lacks what it does "
                     "not have",
                     dump->path);
    }
    return 0;
}

int verb_baseline(const struct options *options, struct out *out)
{
    struct side side;
    struct identities *identities = identities_new();
    int status = EXIT_UNUSABLE;
    if (side_open(&side, options, options->dumps, options->ndumps, identities, NULL, NULL) == 0) {
        if (check_events(&side) == 0) {
            if (!options->all)
                stackset_keep_live(side.stacks);
            stackset_sort(side.stacks);
            baseline_write(out->file, side.stacks);
            status = 0;
        }
        side_close(&side);
    }
    identities_free(identities);
    return status;
}
