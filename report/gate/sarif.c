/* SPDX-License-Identifier: MIT
 *
 * SARIF 2.1.0: a result for each finding, with its line, its stack as a code flow from main inward,
 * and a fingerprint that is the same after a rebuild.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
#include "formats.h"
#include "json_write.h"
#include "uri.h"

#include <string.h>

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define ROOT_ID "PROJECTROOT"

/* The checks that there may be, by verdict_check's `rule`. */
static const struct rule {
    const char *id, *text;
} rules[] = {
    {"max-leak", "More memory was not freed than is allowed."},
    {"max-leak-per-stack", "One call stack did not free more memory than is allowed."},
    {"max-peak", "The program held more memory at its peak than is allowed."},
    {"max-allocs", "The program made more allocations than are allowed."},
    {"baseline", "Memory that was not freed is new or has grown since the baseline."},
    {"baseline-peak", "The peak has grown since the baseline by more than is tolerated."},
    {"baseline-allocs", "Allocations have grown since the baseline by more than is tolerated."},
    {"limit", "A line, function or file uses more memory than its limit."},
    {"unused-suppressions", "A suppression matched nothing."},
};

#define NRULES (sizeof rules / sizeof *rules)

static size_t rule_index(const char *id)
{
    size_t i = 0;
    while (i + 1 < NRULES && strcmp(rules[i].id, id) != 0)
        i++;
    return i;
}

static void put_message(struct json_writer *w, const char *key, const char *text)
{
    json_write_key(w, key);
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "text", text);
    json_write_close(w, '}');
}

static void put_driver(struct json_writer *w)
{
    json_write_key(w, "tool");
    json_write_open(w, '{', JSON_BLOCK);
    json_write_key(w, "driver");
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "name", "memprof");
    json_write_string(w, "semanticVersion", MEMPROF_VERSION);
    json_write_key(w, "rules");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < NRULES; i++) {
        json_write_open(w, '{', JSON_BLOCK);
        json_write_string(w, "id", rules[i].id);
        put_message(w, "shortDescription", rules[i].text);
        json_write_key(w, "defaultConfiguration");
        json_write_open(w, '{', JSON_ROW);
        json_write_string(w, "level", "error");
        json_write_close(w, '}');
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    json_write_close(w, '}');
    json_write_close(w, '}');
}

static void put_artifact(struct json_writer *w, const struct verdict *v,
                         const struct verdict_frame *f)
{
    char *uri = f->relative ? uri_relative(f->file) : uri_file(f->file);
    json_write_key(w, "artifactLocation");
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "uri", uri);
    if (f->relative && v->root)
        json_write_string(w, "uriBaseId", ROOT_ID);
    json_write_close(w, '}');
    uri_free(uri);
}

/* The members of a location. */
static void put_location(struct json_writer *w, const struct verdict *v,
                         const struct verdict_frame *f)
{
    if (f->file) {
        json_write_key(w, "physicalLocation");
        json_write_open(w, '{', JSON_BLOCK);
        put_artifact(w, v, f);
        json_write_key(w, "region");
        json_write_open(w, '{', JSON_ROW);
        json_write_count(w, "startLine", f->line);
        json_write_close(w, '}');
        json_write_close(w, '}');
    }
    json_write_key(w, "logicalLocations");
    json_write_open(w, '[', JSON_ROW);
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "fullyQualifiedName", f->function);
    json_write_string(w, "kind", "function");
    json_write_close(w, '}');
    json_write_close(w, ']');
}

static void put_flow(struct json_writer *w, const struct verdict *v,
                     const struct verdict_finding *f)
{
    json_write_key(w, "codeFlows");
    json_write_open(w, '[', JSON_BLOCK);
    json_write_open(w, '{', JSON_BLOCK);
    json_write_key(w, "threadFlows");
    json_write_open(w, '[', JSON_BLOCK);
    json_write_open(w, '{', JSON_BLOCK);
    json_write_key(w, "locations");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = f->nframes; i-- > 0;) {
        json_write_open(w, '{', JSON_BLOCK);
        json_write_key(w, "location");
        json_write_open(w, '{', JSON_BLOCK);
        put_location(w, v, &f->frames[i]);
        put_message(w, "message", verdict_frame_words(v, &f->frames[i]));
        json_write_close(w, '}');
        json_write_count(w, "nestingLevel", f->nframes - 1 - i);
        json_write_close(w, '}');
    }
    json_write_close(w, ']');
    json_write_close(w, '}');
    json_write_close(w, ']');
    json_write_close(w, '}');
    json_write_close(w, ']');
}

static void put_fingerprint(struct json_writer *w, const char *fingerprint)
{
    json_write_key(w, "partialFingerprints");
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "memprofStack/v1", fingerprint);
    json_write_close(w, '}');
}

static void put_result_head(struct json_writer *w, const char *rule, const char *message)
{
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "ruleId", rule);
    json_write_count(w, "ruleIndex", rule_index(rule));
    json_write_string(w, "level", "error");
    put_message(w, "message", message);
}

static void put_finding(struct json_writer *w, const struct verdict *v,
                        const struct verdict_check *c, const struct verdict_finding *f)
{
    const struct verdict_frame *where = verdict_where(f);
    put_result_head(w, c->rule, f->message);
    if (where) {
        json_write_key(w, "locations");
        json_write_open(w, '[', JSON_BLOCK);
        json_write_open(w, '{', JSON_BLOCK);
        put_location(w, v, where);
        json_write_close(w, '}');
        json_write_close(w, ']');
        put_flow(w, v, f);
    }
    put_fingerprint(w, f->fingerprint);
    json_write_close(w, '}');
}

static void put_results(struct json_writer *w, const struct verdict *v)
{
    json_write_key(w, "results");
    json_write_open(w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->nchecks; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->failed && c->n == 0) {
            put_result_head(w, c->rule, verdict_words(v, "%s: %s", c->name, c->message));
            put_fingerprint(w, c->name);
            json_write_close(w, '}');
        }
        for (size_t k = 0; k < c->n; k++)
            put_finding(w, v, c, &v->findings[c->first + k]);
    }
    json_write_close(w, ']');
}

static void put_root(struct json_writer *w, const struct verdict *v)
{
    if (!v->root)
        return;
    char *uri = uri_directory(v->root);
    json_write_key(w, "originalUriBaseIds");
    json_write_open(w, '{', JSON_BLOCK);
    json_write_key(w, ROOT_ID);
    json_write_open(w, '{', JSON_ROW);
    json_write_string(w, "uri", uri);
    json_write_close(w, '}');
    json_write_close(w, '}');
    uri_free(uri);
}

static void write_sarif(FILE *out, const struct verdict *v)
{
    struct json_writer w = {.file = out};
    json_write_open(&w, '{', JSON_BLOCK);
    json_write_string(&w, "$schema", SCHEMA);
    json_write_string(&w, "version", "2.1.0");
    json_write_key(&w, "runs");
    json_write_open(&w, '[', JSON_BLOCK);
    json_write_open(&w, '{', JSON_BLOCK);
    put_driver(&w);
    put_root(&w, v);
    put_results(&w, v);
    json_write_close(&w, '}');
    json_write_close(&w, ']');
    json_write_close(&w, '}');
    json_write_end(&w);
}

const struct verdict_format verdict_sarif = {"sarif", write_sarif};
