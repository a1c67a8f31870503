/* SPDX-License-Identifier: MIT */
#include "check_options.h"
#include "memory.h"
#include "options.h"
#include "quantity.h"

#include <stdlib.h>
#include <string.h>

static int set_limit(struct check_limit *limit, const char *value, bool bytes, struct error *error)
{
    limit->given = true;
    return bytes ? quantity_size(value, &limit->most, error)
                 : quantity_count(value, &limit->most, error);
}

int check_set_max_leak(struct options *o, const char *value, struct error *error)
{
    return set_limit(&o->check.max_leak, value, true, error);
}

int check_set_max_leak_per_stack(struct options *o, const char *value, struct error *error)
{
    return set_limit(&o->check.max_leak_per_stack, value, true, error);
}

int check_set_max_peak(struct options *o, const char *value, struct error *error)
{
    return set_limit(&o->check.max_peak, value, true, error);
}

int check_set_max_allocs(struct options *o, const char *value, struct error *error)
{
    return set_limit(&o->check.max_allocs, value, false, error);
}

int check_set_tolerance(struct options *o, const char *value, struct error *error)
{
    o->check.has_tolerance = true;
    return quantity_percent(value, &o->check.tolerance, error);
}

static unsigned find_kind(const char *name, size_t n)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } kinds[] = {{"definite", KIND_DEFINITE}, {"indirect", KIND_INDIRECT},
                 {"possible", KIND_POSSIBLE}, {"reachable", KIND_REACHABLE},
                 {"live", KIND_LIVE},         {"all", KINDS_USUAL | KIND_REACHABLE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == n && strncmp(kinds[i].name, name, n) == 0)
            return kinds[i].kinds;
    return 0;
}

int check_set_kinds(struct options *o, const char *value, struct error *error)
{
    const char *name = value;
    o->check.kinds = 0;
    for (;;) {
        size_t n = strcspn(name, ",");
        unsigned kinds = find_kind(name, n);
        if (!kinds)
            return error_set(error,
                             "column %zu: '%.*s' is not a kind, expected definite, indirect, "
                             "possible, reachable, live or all",
                             (size_t)(name - value) + 1, (int)n, name);
        o->check.kinds |= kinds;
        if (!name[n])
            return 0;
        name += n + 1;
    }
}

static int set_name(const char **name, const char *value, struct error *error)
{
    *name = value;
    return *value ? 0 : error_set(error, "expected a file name");
}

static int add_name(struct check_names *names, const char *value, struct error *error)
{
    size_t capacity = names->n;
    names->list = mem_grow(names->list, &capacity, names->n + 1, sizeof *names->list);
    return set_name(&names->list[names->n++], value, error);
}

int check_add_suppressions(struct options *o, const char *value, struct error *error)
{
    return add_name(&o->check.suppressions, value, error);
}

int check_add_limits(struct options *o, const char *value, struct error *error)
{
    return add_name(&o->check.limits, value, error);
}

int check_set_per_iteration(struct options *o, const char *value, struct error *error)
{
    if (quantity_count(value, &o->check.per_iteration, error))
        return -1;
    return o->check.per_iteration ? 0 : error_set(error, "expected a whole number above 0");
}

/* Options that name a file. */
#define NAME_SETTER(name)                                                                          \
    int check_set_##name(struct options *o, const char *value, struct error *error)                \
    {                                                                                              \
        return set_name(&o->check.name, value, error);                                             \
    }

NAME_SETTER(baseline)
NAME_SETTER(junit)
NAME_SETTER(sarif)
NAME_SETTER(markdown)
NAME_SETTER(gitlab)
NAME_SETTER(tap)

/* Options that take no value. */
#define FLAG_SETTER(name)                                                                          \
    int check_set_##name(struct options *o, const char *value, struct error *error)                \
    {                                                                                              \
        (void)value, (void)error;                                                                  \
        o->check.name = true;                                                                      \
        return 0;                                                                                  \
    }

FLAG_SETTER(update_baseline)
FLAG_SETTER(gen_suppressions)
FLAG_SETTER(fail_on_unused)
FLAG_SETTER(count_runtime)
FLAG_SETTER(github)
FLAG_SETTER(dry_run)
FLAG_SETTER(repeated)

int check_options_agree(const struct check_options *c, struct error *error)
{
    if (c->has_tolerance && !c->baseline)
        return error_set(error, "'--tolerance': is about a baseline, expected --baseline FILE");
    if (c->update_baseline && !c->baseline)
        return error_set(error,
                         "'--update-baseline': does not say which, expected --baseline FILE");
    if (c->fail_on_unused && !c->suppressions.n)
        return error_set(error, "'--fail-on-unused-suppressions': there are none, expected "
                                "--suppressions FILE");
    return 0;
}

void check_options_drop(struct check_options *c)
{
    free(c->suppressions.list);
    free(c->limits.list);
    c->suppressions = c->limits = (struct check_names){NULL, 0};
}
