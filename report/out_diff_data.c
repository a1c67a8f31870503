/* SPDX-License-Identifier: MIT
 *
 * Differences for programs: JSON and CSV. Figures are named after their column, with one of
 * _old, _new, _change and, where they are estimated, _se (of the change) behind.
 */
#include "out_diff.h"
#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_PARTS 4

struct part {
    const char *suffix;
    int64_t value;
};

static int64_t saturated(uint64_t value)
{
    return value < INT64_MAX ? (int64_t)value : INT64_MAX;
}

/* The figures of CHANGE; returns how many. */
static size_t parts_of(const struct diff_change *c, struct part parts[MAX_PARTS])
{
    int64_t change = c->new < c->old ? -saturated(c->old - c->new) : saturated(c->new - c->old);
    parts[0] = (struct part){"old", saturated(c->old)};
    parts[1] = (struct part){"new", saturated(c->new)};
    parts[2] = (struct part){"change", change};
    parts[3] = (struct part){"se", saturated(c->error)};
    return c->has_error ? 4 : 3;
}

/* The figures of ROW, or of the whole if it is NULL, as members of an open object. */
static void json_figures(struct json_writer *w, const struct diff_report *r,
                         const struct diff_row *row)
{
    for (size_t i = 0; i < r->columns.n; i++) {
        const struct column *column = r->columns.column[i];
        struct diff_change c =
            row ? diff_change(r->diff, row, column) : diff_total(r->diff, column);
        struct part parts[MAX_PARTS];
        size_t n = parts_of(&c, parts);
        for (size_t k = 0; k < n; k++) {
            char key[64];
            snprintf(key, sizeof key, "%s_%s", column->key, parts[k].suffix);
            json_write_signed(w, key, parts[k].value);
        }
    }
}

static void json_spot(struct json_writer *w, const struct diff_spot *s)
{
    json_write_string(w, "file", s->file);
    json_write_string(w, "function", s->function);
    if (s->line)
        json_write_count(w, "line", s->line);
    else
        json_write_null(w, "line");
    json_write_string(w, "module", s->module);
    if (s->offset != IDENTITY_NO_LINE)
        json_write_signed(w, "line_in_function", s->offset);
    else
        json_write_null(w, "line_in_function");
}

static void json_stack(struct json_writer *w, const struct diff_report *r, const char *key,
                       const struct stackset_entry *entry)
{
    struct diff_stack stack = diff_stack(r->diff, entry, r->frames);
    json_write_key(w, key);
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < stack.n; i++) {
        json_write_open(w, '{', JSON_ROW);
        json_spot(w, &stack.spots[i]);
        json_write_bool(w, "inlined", stack.spots[i].inlined);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    diff_stack_free(&stack);
}

static void json_row(struct json_writer *w, const struct diff_report *r, const struct diff_row *row)
{
    struct diff_spot spot = diff_spot(r->diff, diff_shown(row));
    bool stacks = r->diff->by == DIFF_BY_STACK;
    json_write_open(w, '{', stacks ? JSON_BLOCK : JSON_ROW);
    json_write_string(w, "status", diff_status_names[row->status]);
    json_write_string(w, "match", diff_match_names[row->match]);
    json_spot(w, &spot);
    json_figures(w, r, row);
    if (stacks) {
        json_stack(w, r, "stack", diff_shown(row));
        if (row->match == COMPARE_MOVED || row->match == COMPARE_SIMILAR)
            json_stack(w, r, "old_stack", row->old);
    }
    json_write_close(w, '}');
}

void json_diff(struct out *o, const struct diff_report *r)
{
    struct json_writer *w = &o->json;
    const struct diff *d = r->diff;
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "old", d->old->name);
    json_write_string(w, "new", d->new->name);
    json_write_string(w, "by", diff_by_names[d->by]);
    json_write_string(w, "value", d->value->name);
    json_write_key(w, "counts");
    json_write_open(w, '{', JSON_ROW);
    for (size_t i = 0; i < DIFF_STATUSES; i++)
        json_write_count(w, diff_status_names[i], d->counts[i]);
    json_write_count(w, "moved", d->moved);
    json_write_close(w, '}');
    json_write_key(w, "totals");
    json_write_open(w, '{', JSON_ROW);
    json_figures(w, r, NULL);
    json_write_close(w, '}');
    json_write_key(w, "changes");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < d->n; i++)
        json_row(w, r, &d->rows[i]);
    json_write_close(w, ']');
    json_write_count(w, "left_out", d->left_out);
    json_write_close(w, '}');
    json_write_end(w);
}

static void csv_text(FILE *out, const char *text)
{
    if (text)
        quote_csv(out, text);
    fputc(',', out);
}

static void csv_titles(FILE *out, const struct diff_report *r)
{
    fputs("status,match,file,function,line,module,line_in_function", out);
    for (size_t i = 0; i < r->columns.n; i++) {
        const struct column *column = r->columns.column[i];
        struct diff_change c = diff_total(r->diff, column);
        struct part parts[MAX_PARTS];
        size_t n = parts_of(&c, parts);
        for (size_t k = 0; k < n; k++)
            fprintf(out, ",%s_%s", column->key, parts[k].suffix);
    }
    fputs(r->diff->by == DIFF_BY_STACK ? ",stack\n" : "\n", out);
}

static void csv_figures(FILE *out, const struct diff_report *r, const struct diff_row *row)
{
    for (size_t i = 0; i < r->columns.n; i++) {
        struct diff_change c = diff_change(r->diff, row, r->columns.column[i]);
        struct part parts[MAX_PARTS];
        size_t n = parts_of(&c, parts);
        for (size_t k = 0; k < n; k++)
            fprintf(out, ",%" PRId64, parts[k].value);
    }
}

static void put_plain(FILE *out, const char *text)
{
    fputs(text, out);
}

/* The stack in one cell, innermost first: `function file:line; ..`. */
static void csv_stack(FILE *out, const struct diff_report *r, const struct diff_row *row)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return;
    diff_put_stack(f, r, row, "; ", put_plain);
    fputc(',', out);
    if (fclose(f) == 0)
        quote_csv(out, text);
    free(text);
}

void csv_diff(struct out *o, const struct diff_report *r)
{
    FILE *out = o->file;
    csv_titles(out, r);
    for (size_t i = 0; i < r->diff->n; i++) {
        const struct diff_row *row = &r->diff->rows[i];
        struct diff_spot s = diff_spot(r->diff, diff_shown(row));
        fprintf(out, "%s,%s,", diff_status_names[row->status], diff_match_names[row->match]);
        csv_text(out, s.file);
        csv_text(out, s.function);
        if (s.line)
            fprintf(out, "%" PRIu32, s.line);
        fputc(',', out);
        csv_text(out, s.module);
        if (s.offset != IDENTITY_NO_LINE)
            fprintf(out, "%" PRId32, s.offset);
        csv_figures(out, r, row);
        if (r->diff->by == DIFF_BY_STACK)
            csv_stack(out, r, row);
        fputc('\n', out);
    }
}
