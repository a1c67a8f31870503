/* SPDX-License-Identifier: MIT
 *
 * The sites, which most of a dump is. The frames that they refer to may come later.
 */
#include "figures.h"
#include "histogram.h"
#include "load.h"
#include "load_parts.h"
#include "memory.h"

#include <memprof/format.h>

#include <inttypes.h>
#include <string.h>

/* A site's members, in the order in which the library writes them. A counter that is new in the
 * lists of dump.h is here without more ado. */
static const struct member {
    const char *name;
    enum { FRAME, FUNCTION, COUNT, HISTOGRAM, ERROR } kind;
    size_t offset;
} members[] = {{"frame", FRAME, 0},
               {"function", FUNCTION, 0},
#define X(name) {#name, COUNT, offsetof(struct dump_site, c.name)},
               DUMP_COUNTERS(X)
#undef X
#define X(name) {#name, COUNT, offsetof(struct dump_site, name)},
                   DUMP_SITE_COUNTERS(X)
#undef X
                       {"size_log2", HISTOGRAM, offsetof(struct dump_site, size_log2)},
               {"lifetime_log2_ns", HISTOGRAM, offsetof(struct dump_site, lifetime_log2_ns)},
#define X(name) {#name "_se", ERROR, offsetof(struct dump_errors, name)},
               DUMP_ERRORS(X)
#undef X
};

#define NMEMBERS (sizeof members / sizeof *members)
_Static_assert(NMEMBERS < 64, "a bit for each");

/* The place of NAME, looked for from FIRST on; NMEMBERS if it is not known. */
static size_t find_member(const char *name, size_t first)
{
    for (size_t i = first; i < NMEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return i;
    for (size_t i = 0; i < first; i++)
        if (strcmp(members[i].name, name) == 0)
            return i;
    return NMEMBERS;
}

static uint64_t bit_of(const char *name)
{
    return UINT64_C(1) << find_member(name, 0);
}

static int load_count(struct loader *l, const char *key, enum json_need need, uint64_t *count)
{
    int64_t plain;
    if (json_stream_integer(l->stream, &plain)) {
        *count = (uint64_t)plain;
        if (plain >= 0)
            return 0;
        return error_set(l->r.error, "%s[%zu].%s is %" PRId64 ", expected a non-negative integer",
                         l->r.list, l->r.index, key, plain);
    }
    json_t *value = json_stream_value(l->stream);
    if (value && !(json_is_null(value) && need == JSON_OPTIONAL))
        *count = json_read_as_count(&l->r, key, value);
    json_decref(value);
    return load_failed(l) ? -1 : 0;
}

static int load_function(struct loader *l, struct dump_site *site)
{
    char text[JSON_STREAM_KEY];
    if (json_stream_text(l->stream, text)) {
        site->function = pool_intern(l->r.pool, text);
        return 0;
    }
    json_t *value = json_stream_value(l->stream);
    if (json_is_string(value))
        site->function = pool_intern(l->r.pool, json_string_value(value));
    else if (value)
        json_read_refuse(&l->r, "function", value, "a string");
    json_decref(value);
    return load_failed(l) ? -1 : 0;
}

/* A histogram that is not an array of plain integers. Returns the number of buckets. */
static size_t read_odd_histogram(struct loader *l, const char *key, int64_t *counts)
{
    json_t *list = json_stream_value(l->stream);
    size_t n = 0;
    if (list && !json_is_array(list) && !json_is_null(list))
        json_read_refuse(&l->r, key, list, "an array");
    else if (json_array_size(list) > MEMPROF_HISTOGRAM_BUCKETS)
        json_read_refuse(&l->r, key, list, "at most 64 buckets");
    else
        n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_array_get(list, i);
        if (!json_is_integer(value))
            json_read_refuse(&l->r, key, value, "non-negative integers");
        counts[i] = json_integer_value(value);
    }
    json_decref(list);
    return n;
}

static int load_histogram(struct loader *l, const char *key, struct dump_histogram *h)
{
    int64_t counts[MEMPROF_HISTOGRAM_BUCKETS];
    uint64_t found[MEMPROF_HISTOGRAM_BUCKETS];
    int plain = json_stream_integers(l->stream, counts, MEMPROF_HISTOGRAM_BUCKETS);
    size_t n = plain >= 0 ? (size_t)plain : read_odd_histogram(l, key, counts);
    for (size_t i = 0; i < n; i++) {
        if (counts[i] < 0)
            error_set(l->r.error, "%s[%zu].%s is %" PRId64 ", expected non-negative integers",
                      l->r.list, l->r.index, key, counts[i]);
        found[i] = (uint64_t)counts[i];
    }
    *h = histogram_pack(l->r.pool, found, n);
    return load_failed(l) ? -1 : 0;
}

/* The errors of the site that is being read. Exact dumps have none, and no room for them. */
static struct dump_errors *errors_of_last(struct loader *l)
{
    struct dump *dump = l->dump;
    dump->errors = mem_grow(dump->errors, &l->error_capacity, dump->nsites, sizeof *dump->errors);
    while (dump->nerrors < dump->nsites)
        dump->errors[dump->nerrors++] = (struct dump_errors){0};
    dump->has_errors = true;
    return &dump->errors[dump->nsites - 1];
}

static int load_member(struct loader *l, const struct member *m, struct dump_site *site)
{
    void *at = (char *)site + m->offset;
    uint64_t frame = 0;
    switch (m->kind) {
    case FUNCTION:
        return load_function(l, site);
    case COUNT:
        return load_count(l, m->name, JSON_OPTIONAL, at);
    case HISTOGRAM:
        return load_histogram(l, m->name, at);
    case ERROR:
        if (!l->of_mappings) /* whose figures are exact */
            at = (char *)errors_of_last(l) + m->offset;
        else
            at = &frame;
        return load_count(l, m->name, JSON_OPTIONAL, at);
    case FRAME:
        break;
    }
    if (load_count(l, m->name, JSON_REQUIRED, &frame))
        return -1;
    site->frame = (uint32_t)frame;
    if (frame < INT32_MAX)
        return 0;
    return error_set(l->r.error, "%s[%zu].frame is %" PRIu64 ", expected a frame id", l->r.list,
                     l->r.index, frame);
}

/* Says which of what a site may not leave out is not among SEEN. */
static int check_needed(struct loader *l, uint64_t seen)
{
    static const char *const counts[] = {"alloc_count", "alloc_bytes", "live_count", "live_bytes",
                                         "peak_bytes"};
    if (!(seen & bit_of("frame")))
        return json_read_refuse(&l->r, "frame", NULL, "a non-negative integer");
    if (!(seen & bit_of("function")))
        return json_read_refuse(&l->r, "function", NULL, "a string");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (!(seen & bit_of(counts[i])))
            return json_read_refuse(&l->r, counts[i], NULL, "a non-negative integer");
    return 0;
}

/* The members of one site. Returns 0, or -1. */
static int load_site(struct loader *l, struct dump_site *site)
{
    uint64_t seen = 0;
    int more = json_stream_enter(l->stream);
    while (more >= 0 && (more = json_stream_next(l->stream)) > 0) {
        size_t i = find_member(l->stream->key, l->sites.member);
        if (i == NMEMBERS) {
            if (json_stream_skip(l->stream))
                return -1;
            continue;
        }
        if (seen & UINT64_C(1) << i)
            return json_stream_refuse_key(l->stream, "duplicate object key");
        seen |= UINT64_C(1) << i;
        l->sites.member = i + 1;
        if (load_member(l, &members[i], site))
            return -1;
    }
    l->sites.member = 0;
    l->sites.members |= seen;
    if (more == 0 && seen != l->sites.sound && check_needed(l, seen) == 0)
        l->sites.sound = seen;
    return more < 0 || load_failed(l) ? -1 : 0;
}

int load_sites_of(struct loader *l, const char *key)
{
    struct dump *dump = l->dump;
    int more = load_begin(l, key, '[', JSON_REQUIRED);
    load_enter(l, key);
    for (l->r.index = 0; more > 0 && (more = json_stream_next(l->stream)) > 0; l->r.index++) {
        if (json_stream_peek(l->stream) != '{') {
            json_t *odd = json_stream_value(l->stream);
            if (odd)
                json_read_refuse(&l->r, NULL, odd, "an object");
            json_decref(odd);
            return -1;
        }
        dump->sites =
            mem_grow(dump->sites, &l->sites.capacity, dump->nsites + 1, sizeof *dump->sites);
        struct dump_site *site = &dump->sites[dump->nsites++];
        *site = (struct dump_site){0};
        if (load_site(l, site))
            return -1;
        dump->has_site_threads = dump->has_site_threads || site->threads;
    }
    return more;
}

int load_sites(struct loader *l)
{
    return load_sites_of(l, "sites");
}

/* What is compared: lists and totals by name. */
struct sums {
    struct dump *dump;
    const char *sites, *totals;
};

static void check_sum(const struct sums *s, const char *name, uint64_t sum, uint64_t total)
{
    char text[160];
    if (sum == total)
        return;
    snprintf(text, sizeof text, "the %s' %s add up to %" PRIu64 ", but %s.%s is %" PRIu64, s->sites,
             name, sum, s->totals, name, total);
    load_warn(s->dump, LOAD_SUMS_DIFFER, text);
}

/* Compares the sites' sums with the totals and warns of each that differs. */
static void check_sums(struct loader *l, const char *sites, const char *totals)
{
    struct dump *dump = l->dump;
    const struct sums s = {dump, sites, totals};
    struct figures sum = {0};
    for (size_t i = 0; i < dump->nsites; i++)
        figures_add_site(&sum, dump, i, false);
    /* Counters that a producer need not have per site: compared if any site has them. */
    if (!(l->sites.members & bit_of("realloc_count")))
        sum.c.realloc_count = dump->totals.c.realloc_count;
    if (!(l->sites.members & bit_of("failed_count")))
        sum.c.failed_count = dump->totals.c.failed_count;
#define X(name) check_sum(&s, #name, sum.c.name, dump->totals.c.name);
    DUMP_COUNTERS(X)
#undef X
}

int load_check_sites_of(struct loader *l, const char *sites, const char *totals)
{
    const struct dump *dump = l->dump;
    for (size_t i = 0; i < dump->nsites; i++)
        if (dump->sites[i].frame >= dump->nframes)
            return error_set(l->r.error,
                             "%s[%zu].frame is %" PRIu32 ", expected a frame id below %zu", sites,
                             i, dump->sites[i].frame, dump->nframes);
    check_sums(l, sites, totals);
    return 0;
}

int load_check_sites(struct loader *l)
{
    return load_check_sites_of(l, "sites", "totals");
}
