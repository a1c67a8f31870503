/* SPDX-License-Identifier: MIT
 *
 * Baselines, written.
 */
#include "baseline.h"
#include "json_write.h"
#include "memory.h"
#include "out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* FRAME as text; malloc'd. */
static char *frame_text(const struct identity_frame *f)
{
    const char *module = f->module ? f->module : "", *function = f->function ? f->function : "";
    size_t size = strlen(module) + strlen(function) + 16;
    char *text = mem_alloc(size);
    int n = snprintf(text, size, "%s`%s", module, function);
    if (f->line != IDENTITY_NO_LINE)
        snprintf(text + n, size - (size_t)n, "+%" PRId32, f->line);
    return text;
}

static void write_stack(struct json_writer *w, const struct identities *t, uint32_t node)
{
    json_write_key(w, "stack");
    json_write_open(w, '[', JSON_ROW);
    while (node != IDENTITY_ROOT) {
        char *text = frame_text(identities_innermost(t, node));
        json_write_string(w, NULL, text);
        free(text);
        node = identities_node_at(t, node)->parent;
    }
    json_write_close(w, ']');
}

static void write_nonzero(struct json_writer *w, const char *key, uint64_t value)
{
    /* No reader of JSON takes more. */
    if (value)
        json_write_count(w, key, value < INT64_MAX ? value : INT64_MAX);
}

static void write_figures(struct json_writer *w, const struct figures *f)
{
#define X(name) write_nonzero(w, #name, f->c.name);
    DUMP_COUNTERS(X)
#undef X
    write_nonzero(w, "max_live_bytes", f->max_live_bytes);
    write_nonzero(w, "threads", f->threads);
#define X(name) write_nonzero(w, #name "_se", figures_error(f->variance.name));
    DUMP_ERRORS(X)
#undef X
}

static void write_kinds(struct json_writer *w, const struct stackset *s,
                        const struct stackset_entry *e)
{
    if (!e->kinds || !stackset_has_kinds(s))
        return;
    const struct stackset_kinds *k = &s->kinds[e->kinds - 1];
#define X(name)                                                                                    \
    write_nonzero(w, #name "_count", k->count[DUMP_LEAK_##name]);                                  \
    write_nonzero(w, #name "_bytes", k->bytes[DUMP_LEAK_##name]);
    DUMP_LEAK_KINDS(X)
#undef X
}

void baseline_write(FILE *out, const struct stackset *s)
{
    struct json_writer w = {.file = out};
    json_write_open(&w, '{', JSON_BLOCK);
    json_write_string(&w, "format", BASELINE_FORMAT);
    json_write_count(&w, "version", BASELINE_VERSION);
    json_write_string(&w, "stacks", s->live_only ? "live" : "all");
    if (s->of_mappings)
        json_write_string(&w, "of", BASELINE_OF_MAPPINGS);
    write_nonzero(&w, "mean_bytes", s->whole.sample_mean_bytes);
    if (stackset_has_kinds(s))
        json_write_bool(&w, "leak_kinds", true);
    json_write_key(&w, "totals");
    json_write_open(&w, '{', JSON_BLOCK);
    write_figures(&w, &s->total);
    json_write_close(&w, '}');
    json_write_key(&w, "entries");
    json_write_open(&w, '[', JSON_BLOCK);
    for (size_t i = 0; i < s->n; i++) {
        json_write_open(&w, '{', JSON_BLOCK);
        write_figures(&w, &s->entries[i].figures);
        write_kinds(&w, s, &s->entries[i]);
        write_stack(&w, s->identities, s->entries[i].node);
        json_write_close(&w, '}');
    }
    json_write_close(&w, ']');
    json_write_close(&w, '}');
    json_write_end(&w);
}

int baseline_save(const struct stackset *s, const char *path, struct error *error)
{
    struct out out = {0};
    if (out_open(&out, path, error))
        return -1;
    baseline_write(out.file, s);
    return out_commit(&out, error);
}
