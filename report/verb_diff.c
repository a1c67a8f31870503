/* SPDX-License-Identifier: MIT
 *
 * memprof-report diff OLD NEW..
 */
#include "die.h"
#include "format.h"
#include "function_name.h"
#include "out_diff.h"
#include "side.h"
#include "verbs_compare.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_READ 100   /* by people */
#define FRAMES_READ 64  /* of a stack, by people */
#define FRAMES_KEPT 256 /* by programs */

/* Which stacks match the globs, of one model after the other. */
struct globs {
    const struct options *options;
    const struct identities *identities;
    const struct model *model;
    bool *matching;
};

static bool matches(void *arg, const struct model *m, uint32_t frame)
{
    struct globs *g = arg;
    if (g->model != m) {
        free(g->matching);
        g->model = m;
        g->matching = model_matching(m, g->options->file_glob, g->options->function_glob);
    }
    return g->matching[frame];
}

/* The same for a baseline, which has functions only. */
static bool entry_matches(void *arg, const struct stackset_entry *e)
{
    const struct globs *g = arg;
    for (uint32_t n = e->node; n != IDENTITY_ROOT;
         n = identities_node_at(g->identities, n)->parent) {
        const struct identity_frame *f = identities_innermost(g->identities, n);
        if (f->function && function_name_matches(f->function, g->options->function_glob))
            return true;
    }
    return false;
}

/* Opens the N files at PATHS, as far as the globs match. */
static int open_side(struct side *s, const struct options *o, char *const *paths, size_t n,
                     struct identities *identities)
{
    struct globs g = {.options = o, .identities = identities};
    bool filtered = o->file_glob || o->function_glob;
    int result = side_open(s, o, paths, n, identities, filtered ? matches : NULL, &g);
    free(g.matching);
    if (result || !s->stacks->baseline)
        return result;
    if (o->file_glob)
        die("'%s': is a baseline, which does not name files, expected a dump with --file",
            s->stacks->name);
    if (o->function_glob)
        stackset_restrict(s->stacks, entry_matches, &g);
    return 0;
}

/* That SET has what COLUMN is about, and that there are changes of it. */
static void check_column(const struct stackset *set, const struct column *column)
{
    bool live = strcmp(column->name, "increment") == 0 || strcmp(column->name, "blocks") == 0;
    if (!column->adds_up)
        die("'%s': not a column of 'diff', expected one whose parts make a whole", column->name);
    if (set->live_only && !live)
        die("'%s': is a baseline of live blocks, without figures for '%s', expected one made with "
            "--all, or a dump",
            set->name, column->name);
}

static struct columns choose_columns(const struct options *o, const struct column *value)
{
    struct columns usual = {.n = 0}, c;
    struct error error = {""};
    const struct column *also =
        columns_find(strcmp(value->name, "increment") == 0 ? "blocks" : "increment");
    usual.column[usual.n++] = value;
    if (strcmp(value->name, "increment") == 0)
        usual.column[usual.n++] = also;
    c = usual;
    if (!o->columns)
        return c;
    if (columns_parse(&c, o->columns, &error))
        die("'--columns %s': %s", o->columns, error.text);
    return c;
}

/* What one side knows of live blocks only is compared with those of the other, and not with stacks
 * that hold none. */
static void level(struct stackset *a, struct stackset *b)
{
    if (a->live_only && !b->live_only)
        stackset_keep_live(b);
    if (b->live_only && !a->live_only)
        stackset_keep_live(a);
}

static void print(const struct options *o, struct out *out, const struct side *old,
                  const struct side *new)
{
    bool people = o->format == &format_text || o->format == &format_markdown;
    struct diff_options options = {
        .by = o->by,
        .self = o->self,
        .value = o->value ? o->value : columns_find("increment"),
        .sort = o->sort,
        .limit = o->has_limit ? o->limit
                 : people     ? ROWS_READ
                              : 0,
    };
    struct diff_report r = {.columns = choose_columns(o, options.value),
                            .frames = o->has_frames ? o->frames
                                      : people      ? FRAMES_READ
                                                    : FRAMES_KEPT};
    const struct stackset *sets[] = {old->stacks, new->stacks};
    for (size_t i = 0; i < 2; i++) {
        check_column(sets[i], options.value);
        if (options.sort)
            check_column(sets[i], options.sort);
        for (size_t k = 0; k < r.columns.n; k++)
            check_column(sets[i], r.columns.column[k]);
    }
    level(old->stacks, new->stacks);
    struct diff diff = diff_new(old->stacks, new->stacks, &options);
    r.diff = &diff;
    o->format->diff(out, &r);
    diff_free(&diff);
}

int verb_diff(const struct options *options, struct out *out)
{
    struct side old, new;
    struct identities *identities = identities_new();
    int status = EXIT_UNUSABLE;
    if (options->ndumps < 2)
        die("'%s': is the only file, expected memprof-report diff OLD NEW..", options->dumps[0]);
    if (open_side(&old, options, options->dumps, 1, identities) == 0) {
        if (open_side(&new, options, options->dumps + 1, options->ndumps - 1, identities) == 0) {
            print(options, out, &old, &new);
            side_close(&new);
            status = 0;
        }
        side_close(&old);
    }
    identities_free(identities);
    return status;
}
