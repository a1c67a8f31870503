/* SPDX-License-Identifier: MIT */
#include "repeated.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static bool same_directory(const char *a, const char *b)
{
    size_t n = directory_length(a);
    return n == directory_length(b) && memcmp(a, b, n) == 0;
}

/* The run of DUMP, one of N; N: it is the first one of its run. */
static size_t find_run(const struct options *runs, size_t n, const char *dump)
{
    size_t i = 0;
    while (i < n && !same_directory(runs[i].dumps[0], dump))
        i++;
    return i;
}

struct options *repeated_runs(const struct options *options, size_t *n)
{
    struct options *runs = mem_zero(options->ndumps, sizeof *runs);
    *n = 0;
    for (size_t i = 0; i < options->ndumps; i++) {
        char *dump = options->dumps[i];
        size_t r = options->check.repeated ? find_run(runs, *n, dump) : i > 0 ? 0 : *n;
        if (r == *n) {
            runs[r] = *options;
            runs[r].ndumps = 0;
            runs[r].dumps = mem_zero(options->ndumps, sizeof *runs[r].dumps);
            (*n)++;
        }
        runs[r].dumps[runs[r].ndumps++] = dump;
    }
    return runs;
}

void repeated_free(struct options *runs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(runs[i].dumps);
    free(runs);
}

static const struct figures *figures_in(const struct stackset *s, uint32_t node)
{
    uint32_t index = node < s->nodes ? s->entry_of[node] : 0;
    return index ? &s->entries[index - 1].figures : NULL;
}

/* The least that the stack of NODE leaks in any run; false: in one it does not. */
static bool least(const struct gate *runs, size_t n, uint32_t node, struct figures *common)
{
    for (size_t i = 0; i < n; i++) {
        const struct figures *f = figures_in(runs[i].leaks, node);
        if (!f)
            return false;
        if (i == 0) {
            *common = *f;
            continue;
        }
        if (f->c.live_bytes < common->c.live_bytes) {
            common->c.live_bytes = f->c.live_bytes;
            common->variance.live_bytes = f->variance.live_bytes;
        }
        if (f->c.live_count < common->c.live_count) {
            common->c.live_count = f->c.live_count;
            common->variance.live_count = f->variance.live_count;
        }
    }
    return true;
}

void repeated_keep_common(struct gate *runs, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        struct stackset *s = runs[r].leaks;
        size_t kept = 0;
        for (size_t i = 0; i < s->n; i++) {
            struct stackset_entry e = s->entries[i];
            bool common = least(runs, n, e.node, &e.figures);
            s->entry_of[e.node] = common ? (uint32_t)kept + 1 : 0;
            if (common)
                s->entries[kept++] = e;
        }
        s->n = kept;
    }
}

static bool failed_in(const struct verdict *v, const char *name)
{
    for (size_t i = 0; i < v->nchecks; i++)
        if (strcmp(v->checks[i].name, name) == 0)
            return v->checks[i].failed;
    return true;
}

/* Makes the check at INDEX one that passed, with nothing to find. */
static void pass(struct verdict *v, size_t index, size_t n)
{
    struct verdict_check *c = &v->checks[index];
    size_t after = c->first + c->n, taken = c->n;
    memmove(v->findings + c->first, v->findings + after,
            (v->nfindings - after) * sizeof *v->findings);
    v->nfindings -= taken;
    for (size_t i = 0; i < v->nchecks; i++)
        if (v->checks[i].first >= after && i != index)
            v->checks[i].first -= taken;
    c->n = c->left_out = 0;
    c->failed = false;
    c->message = verdict_words(v, "%s; not so in each of %zu runs", c->message, n);
    v->nfailed--;
}

void repeated_merge(struct gate *runs, size_t n)
{
    struct gate *last = &runs[n - 1];
    struct verdict *v = &last->verdict;
    for (size_t i = 0; i < v->nchecks; i++) {
        bool each = v->checks[i].failed;
        for (size_t r = 0; each && r + 1 < n; r++)
            each = failed_in(&runs[r].verdict, v->checks[i].name);
        if (v->checks[i].failed && !each)
            pass(v, i, n);
    }
    if (n > 1)
        gate_note(last, verdict_words(v,
                                      "%zu runs were judged: only what is in each counts, and the "
                                      "figures are of the last",
                                      n));
}
