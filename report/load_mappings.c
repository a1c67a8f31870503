/* SPDX-License-Identifier: MIT
 *
 * The parts of a dump about mappings (MEMPROF_MMAP=1): totals and sites of the same form as those
 * of blocks, read by the same code into their own place.
 */
#include "load.h"
#include "load_parts.h"

/* What is told of blocks and what is told of mappings change places. */
static void exchange(struct dump *dump)
{
    const struct dump_recorded blocks = {dump->totals, dump->sites, dump->nsites,
                                         dump->has_site_threads, dump->inherited};
    dump->totals = dump->mappings.totals;
    dump->sites = dump->mappings.sites;
    dump->nsites = dump->mappings.nsites;
    dump->has_site_threads = dump->mappings.has_site_threads;
    dump->inherited = dump->mappings.inherited;
    dump->mappings = blocks;
}

/* The same for what the loader knows of the sites that it has read. */
static void exchange_loaders(struct loader *l)
{
    const struct loader_sites blocks = l->sites;
    l->sites = l->mmap_sites;
    l->mmap_sites = blocks;
    l->of_mappings = !l->of_mappings;
    exchange(l->dump);
}

int load_mmap_totals(struct loader *l, json_t *root)
{
    const bool has_errors = l->dump->has_errors;
    l->dump->has_mappings = true;
    exchange_loaders(l);
    int result = load_totals_of(l, root, "mmap_totals");
    exchange_loaders(l);
    l->dump->has_errors = has_errors; /* theirs are exact */
    return result;
}

int load_mmap_inherited(struct loader *l, json_t *root)
{
    exchange_loaders(l);
    int result = load_inherited_of(l, root, "mmap_inherited");
    exchange_loaders(l);
    return result;
}

int load_mmap_sites(struct loader *l)
{
    exchange_loaders(l);
    int result = load_sites_of(l, "mmap_sites");
    exchange_loaders(l);
    return result;
}

int load_check_mmap_sites(struct loader *l)
{
    if (!l->dump->has_mappings)
        return 0;
    exchange_loaders(l);
    int result = load_check_sites_of(l, "mmap_sites", "mmap_totals");
    exchange_loaders(l);
    return result;
}

int load_use_mappings(struct dump *dump)
{
    if (!dump->has_mappings)
        return -1;
    exchange(dump);
    dump->of_mappings = true;
    dump->sample_mean_bytes = 0;
    dump->has_errors = dump->has_counted = false;
    dump->nerrors = 0;
    dump->leaks.method = NULL;
    dump->leaks.classified = false;
    dump->leaks.nrecords = 0;
    return 0;
}
