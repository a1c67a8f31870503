/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include <string.h>

#define BYTES(name, expression)                                                                    \
    static struct cell name(const struct figures *f, const struct dump *dump)                      \
    {                                                                                              \
        (void)dump;                                                                                \
        return (struct cell){.kind = CELL_BYTES, .value = (expression)};                           \
    }
#define COUNT(name, expression)                                                                    \
    static struct cell name(const struct figures *f, const struct dump *dump)                      \
    {                                                                                              \
        (void)dump;                                                                                \
        return (struct cell){.kind = CELL_COUNT, .value = (expression)};                           \
    }

/* A counter with a standard error. */
#define ESTIMATE(name, type, counter)                                                              \
    static struct cell name(const struct figures *f, const struct dump *dump)                      \
    {                                                                                              \
        return (struct cell){.kind = (type),                                                       \
                             .has_error = dump->has_errors,                                        \
                             .error = figures_error(f->variance.counter),                          \
                             .value = f->c.counter};                                               \
    }

ESTIMATE(get_mem_usage, CELL_BYTES, peak_bytes)
ESTIMATE(get_increment, CELL_BYTES, live_bytes)
ESTIMATE(get_occurrences, CELL_COUNT, alloc_count)
BYTES(get_max_live, f->max_live_bytes)
ESTIMATE(get_allocated, CELL_BYTES, alloc_bytes)
BYTES(get_freed, f->c.freed_bytes)
COUNT(get_temporary, f->c.temporary_count)
ESTIMATE(get_blocks, CELL_COUNT, live_count)

static struct cell get_peak(const struct figures *f, const struct dump *dump)
{
    uint64_t whole = dump->totals.c.peak_bytes;
    if (whole == 0)
        return (struct cell){.kind = CELL_NOTHING};
    return (struct cell){.kind = CELL_PERCENT,
                         .percent = 100.0 * (double)f->c.peak_bytes / (double)whole};
}

static struct cell get_avg_size(const struct figures *f, const struct dump *dump)
{
    (void)dump;
    if (f->c.alloc_count == 0)
        return (struct cell){.kind = CELL_NOTHING};
    return (struct cell){.kind = CELL_AVERAGE, .value = f->c.alloc_bytes / f->c.alloc_count};
}

static struct cell get_lifetime(const struct figures *f, const struct dump *dump)
{
    struct cell cell = {.kind = CELL_DURATION};
    (void)dump;
    if (!figures_median_lifetime(f, &cell.value))
        cell.kind = CELL_NOTHING;
    return cell;
}

static struct cell get_threads(const struct figures *f, const struct dump *dump)
{
    (void)dump;
    return (struct cell){.kind = f->threads ? CELL_COUNT : CELL_NOTHING, .value = f->threads};
}

const struct column columns_table[] = {
    {"mem-usage", "Mem usage", "mem_usage_bytes", "bytes held at the program's peak", 1, 12, true,
     get_mem_usage},
    {"increment", "Increment", "increment_bytes", "bytes not freed at the dump", 1, 12, true,
     get_increment},
    {"occurrences", "Occurrences", "occurrences", "calls that allocated", 2, 11, true,
     get_occurrences},
    {"peak", "Peak %", "peak_percent", "share of the program's peak, in percent", 1, 8, false,
     get_peak},
    {"max-live", "Max live", "max_live_bytes",
     "most bytes ever held; over several stacks, their maxima added up", 1, 12, false,
     get_max_live},
    {"allocated", "Allocated", "allocated_bytes", "bytes allocated, over the whole run", 1, 12,
     true, get_allocated},
    {"freed", "Freed", "freed_bytes", "bytes freed, over the whole run", 1, 12, true, get_freed},
    {"temporary", "Temporary", "temporary_count",
     "blocks freed before their thread allocated again", 2, 10, true, get_temporary},
    {"avg-size", "Avg size", "avg_size_bytes", "bytes per allocation", 1, 12, false, get_avg_size},
    {"lifetime", "Lifetime", "lifetime_median_ns",
     "median lifetime of the blocks that were freed, to a power of two", 1, 10, false,
     get_lifetime},
    {"blocks", "Blocks", "live_count", "blocks not freed at the dump", 2, 10, true, get_blocks},
    {"threads", "Threads", "thread_count",
     "threads that allocated there (the most at any one stack)", 2, 7, false, get_threads},
    {NULL, NULL, NULL, NULL, 0, 0, false, NULL}};

const struct column *columns_find(const char *name)
{
    for (const struct column *c = columns_table; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

int columns_parse(struct columns *c, const char *list, struct error *error)
{
    if (*list == '+')
        list++;
    else
        c->n = 0;
    for (;;) {
        char name[32];
        size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), list);
        const struct column *column = columns_find(name);
        if (!column)
            return error_set(error, "no column '%s', expected names out of those in --help", name);
        for (size_t i = 0; i < c->n; i++)
            if (c->column[i] == column)
                return error_set(error, "column '%s' is there twice", name);
        c->column[c->n++] = column;
        if (list[length] == '\0')
            return 0;
        list += length + 1;
    }
}

bool columns_available_in(const struct column *column, const struct dump *dump)
{
    /* Not every producer counts threads by site; where nothing allocated, nothing is missing. */
    return column->get != get_threads || dump->has_site_threads || dump->nsites == 0;
}

bool columns_have_error(const struct column *column, const struct dump *dump)
{
    const struct figures none = {0};
    return column->get(&none, dump).has_error;
}

const struct column *columns_missing(const struct columns *c, const struct dump *dump)
{
    for (size_t i = 0; i < c->n; i++)
        if (!columns_available_in(c->column[i], dump))
            return c->column[i];
    return NULL;
}

struct columns columns_available(const struct dump *dump)
{
    struct columns c = {.n = 0};
    for (const struct column *column = columns_table; column->name; column++)
        if (columns_available_in(column, dump))
            c.column[c.n++] = column;
    return c;
}

int columns_compare_cells(const struct cell *x, const struct cell *y)
{
    if (x->kind != y->kind)
        return x->kind == CELL_NOTHING ? 1 : -1;
    if (x->kind == CELL_PERCENT)
        return x->percent < y->percent ? 1 : x->percent > y->percent ? -1 : 0;
    return x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

int columns_compare(const struct column *column, const struct figures *a, const struct figures *b,
                    const struct dump *dump)
{
    struct cell x = column->get(a, dump), y = column->get(b, dump);
    return columns_compare_cells(&x, &y);
}
