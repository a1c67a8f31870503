/* SPDX-License-Identifier: MIT
 *
 * JSON: all figures as they are, in bytes and nanoseconds. One dump gives the report itself,
 * several give an array of {"dump", "report"}.
 */
#include "format.h"
#include "json_write.h"
#include "out_json_memory.h"
#include "out_json_occasion.h"

static void begin(struct out *o)
{
    if (o->ndumps > 1)
        json_write_open(&o->json, '[', JSON_BLOCK);
}

static void end(struct out *o)
{
    if (o->ndumps > 1)
        json_write_close(&o->json, ']');
    json_write_end(&o->json);
}

static void dump_begin(struct out *o)
{
    if (o->ndumps == 1)
        return;
    json_write_open(&o->json, '{', JSON_BLOCK);
    json_write_string(&o->json, "dump", o->dump);
    json_write_key(&o->json, "report");
}

static void dump_end(struct out *o)
{
    if (o->ndumps > 1)
        json_write_close(&o->json, '}');
}

/* The standard error of the member KEY. */
static void put_error(struct json_writer *w, const char *key, uint64_t error)
{
    char name[64];
    snprintf(name, sizeof name, "%s_se", key);
    json_write_count(w, name, error);
}

static void put_cells(struct json_writer *w, const struct columns *columns,
                      const struct figures *figures, const struct dump *dump)
{
    for (size_t i = 0; i < columns->n; i++) {
        struct cell cell = columns->column[i]->get(figures, dump);
        if (cell.kind == CELL_NOTHING)
            json_write_null(w, columns->column[i]->key);
        else if (cell.kind == CELL_PERCENT)
            json_write_number(w, columns->column[i]->key, cell.percent);
        else
            json_write_count(w, columns->column[i]->key, cell.value);
        if (cell.has_error)
            put_error(w, columns->column[i]->key, cell.error);
    }
}

/* Where: members of an object that is open. */
static void put_place(struct json_writer *w, const struct place *p)
{
    json_write_string(w, "file", p->file);
    json_write_string(w, "function", p->function);
    if (p->line)
        json_write_count(w, "line", p->line);
    else
        json_write_null(w, "line");
    json_write_string(w, "module", p->module);
}

static void put_lines(struct out *o, const struct lines_report *r)
{
    struct json_writer *w = &o->json;
    const struct model *m = r->lines->model;
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < r->lines->n; i++) {
        const struct line_row *row = &r->lines->rows[i];
        json_write_open(w, '{', JSON_ROW);
        put_place(w, &m->places[row->place]);
        put_cells(w, &r->columns, &row->figures, m->dump);
        json_write_string(w, "text", row->text);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
}

static void put_stack(struct json_writer *w, const struct leaks_report *r,
                      const struct leak_record *record)
{
    const struct model *m = r->leaks->model;
    struct leak_stack stack = leaks_stack(r->leaks, record, r->frames);
    json_write_key(w, "stack");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < stack.n; i++) {
        json_write_open(w, '{', JSON_ROW);
        put_place(w, &m->places[stack.refs[i].place]);
        json_write_bool(w, "inlined", stack.refs[i].inlined);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    json_write_count(w, "frames_left_out", stack.left_out);
    leaks_stack_free(&stack);
}

static void put_live(struct json_writer *w, const struct figures *f, const struct dump *dump)
{
    json_write_count(w, "bytes", f->c.live_bytes);
    json_write_count(w, "count", f->c.live_count);
    if (dump->has_errors) {
        put_error(w, "bytes", figures_error(f->variance.live_bytes));
        put_error(w, "count", figures_error(f->variance.live_count));
    }
}

static void put_leaks(struct out *o, const struct leaks_report *r)
{
    struct json_writer *w = &o->json;
    const struct leaks *l = r->leaks;
    const struct dump_leaks *found = &l->model->dump->leaks;
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "method", found->method);
    put_live(w, &l->total, l->model->dump);
    json_write_count(w, "stacks", l->stacks);
    json_write_count(w, "stacks_left_out", l->left_out);
    json_write_bool(w, "filtered", l->filtered);
    if (found->classified) {
        json_write_key(w, "kinds");
        json_write_open(w, '{', JSON_BLOCK);
#define X(name)                                                                                    \
    json_write_key(w, #name);                                                                      \
    json_write_open(w, '{', JSON_ROW);                                                             \
    json_write_count(w, "bytes", found->name##_bytes);                                             \
    json_write_count(w, "count", found->name##_count);                                             \
    json_write_close(w, '}');
        DUMP_LEAK_KINDS(X)
#undef X
        json_write_close(w, '}');
    }
    json_write_key(w, "records");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < l->n; i++) {
        const struct leak_record *record = &l->records[i];
        json_write_open(w, '{', JSON_BLOCK);
        put_live(w, &record->figures, l->model->dump);
        put_cells(w, &r->columns, &record->figures, l->model->dump);
        json_write_key(w, "charged");
        json_write_open(w, '{', JSON_ROW);
        put_place(w, &l->model->places[l->model->self[record->frame]]);
        json_write_close(w, '}');
        if (!r->self)
            put_stack(w, r, record);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    json_write_close(w, '}');
}

static void put_process(struct json_writer *w, const struct dump *dump)
{
    const struct dump_process *p = &dump->process;
    json_write_key(w, "process");
    json_write_open(w, '{', JSON_BLOCK);
    json_write_count(w, "pid", p->pid);
    json_write_count(w, "ppid", p->ppid);
    json_write_string(w, "exe", p->exe);
    json_write_key(w, "argv");
    json_write_open(w, '[', JSON_ROW);
    for (size_t i = 0; i < p->nargv; i++)
        json_write_string(w, NULL, p->argv[i]);
    json_write_close(w, ']');
    json_write_string(w, "cwd", p->cwd);
    json_write_string(w, "hostname", p->hostname);
    json_write_string(w, "start_time", p->start_time);
    json_write_string(w, "arch", p->arch);
    json_write_string(w, "allocator", p->allocator);
    json_write_close(w, '}');
}

static void put_head(struct json_writer *w, const struct dump *dump)
{
    put_process(w, dump);
    json_occasion(w, dump);
    json_write_key(w, "mode");
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "kind", dump->sample_mean_bytes ? "sampled" : "exact");
    if (dump->of_mappings)
        json_write_string(w, "of", "mappings");
    if (dump->sample_mean_bytes)
        json_write_count(w, "mean_bytes", dump->sample_mean_bytes);
    if (dump->max_overhead > 0) {
        json_write_number(w, "max_overhead_percent", dump->max_overhead);
        json_write_number(w, "overhead_percent", dump->overhead);
        json_write_count(w, "change_count", dump->sample_changes);
    }
    if (dump->has_counted) {
        json_write_key(w, "exact");
        json_write_open(w, '{', JSON_ROW);
        json_write_count(w, "alloc_count", dump->counted.alloc_count);
        json_write_count(w, "alloc_bytes", dump->counted.alloc_bytes);
        json_write_count(w, "free_count", dump->counted.free_count);
        json_write_close(w, '}');
    }
    json_write_close(w, '}');
    json_write_key(w, "totals");
    json_write_open(w, '{', JSON_BLOCK);
#define X(name) json_write_count(w, #name, dump->totals.c.name);
    DUMP_COUNTERS(X)
#undef X
#define X(name) json_write_count(w, #name, dump->totals.name);
    DUMP_TOTALS(X)
#undef X
#define X(name) put_error(w, #name, dump->totals.se.name);
    if (dump->has_errors) {
        DUMP_ERRORS(X)
    }
#undef X
    json_write_close(w, '}');
    json_memory(w, dump);
}

static void put_summary(struct out *o, const struct summary_report *r)
{
    struct json_writer *w = &o->json;
    const struct dump *dump = r->summary->dump;
    json_write_open(w, '{', JSON_BLOCK);
    put_head(w, dump);
    if (dump->has_coverage)
        json_write_number(w, "coverage_percent", dump->coverage_percent);
    else
        json_write_null(w, "coverage_percent");
    json_write_key(w, "warnings");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < dump->nwarnings; i++) {
        json_write_open(w, '{', JSON_ROW);
        json_write_string(w, "code", dump->warnings[i].code);
        json_write_string(w, "text", dump->warnings[i].text);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    json_write_string(w, "project_root", r->summary->root);
    json_write_key(w, "lines");
    put_lines(o, &r->lines);
    if (dump->leaks_unwanted) {
        json_write_null(w, "leaks");
    } else {
        json_write_key(w, "leaks");
        put_leaks(o, &r->leaks);
    }
    json_write_close(w, '}');
}

static void put_tree(struct out *o, const struct tree_report *r)
{
    struct json_writer *w = &o->json;
    const struct tree *t = r->tree;
    uint32_t open = 0; /* nodes whose children are being written */
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "direction", t->bottom_up ? "bottom-up" : "top-down");
    json_write_string(w, "percent_of", t->value->key);
    put_cells(w, &r->columns, &t->whole, t->model->dump);
    json_write_bool(w, "filtered", t->filtered);
    json_write_bool(w, "complete", !t->deeper && !t->full);
    json_write_count(w, "children_left_out", t->left_out);
    json_write_key(w, "children");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i <= t->n; i++) {
        uint32_t depth = i < t->n ? t->nodes[i].depth : 0;
        for (; open > depth; open--) {
            json_write_close(w, ']');
            json_write_close(w, '}');
        }
        if (i == t->n)
            break;
        const struct tree_node *n = &t->nodes[i];
        json_write_open(w, '{', JSON_BLOCK);
        put_place(w, &t->model->places[n->place]);
        json_write_bool(w, "inlined", n->inlined);
        put_cells(w, &r->columns, &n->total, t->model->dump);
        json_write_number(w, "percent", n->percent);
        json_write_count(w, "self_bytes_at_peak", n->self.c.peak_bytes);
        json_write_count(w, "children_left_out", n->left_out);
        json_write_key(w, "children");
        json_write_open(w, '[', JSON_BLOCK);
        open = depth + 1;
    }
    json_write_close(w, ']');
    json_write_close(w, '}');
}

const struct format format_json = {"json",      begin,     end,       dump_begin, dump_end,
                                   put_summary, put_lines, put_leaks, put_tree,   json_diff};
