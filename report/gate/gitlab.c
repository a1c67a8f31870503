/* SPDX-License-Identifier: MIT
 *
 * GitLab's code quality report: a list of findings, each with a path, a line and a fingerprint.
 * https://docs.gitlab.com/ci/testing/code_quality/
 */
#include "formats.h"
#include "json_write.h"

/* Every entry must name a file: what has none is put to the program. */
static void put_location(struct json_writer *w, const struct verdict *v,
                         const struct verdict_frame *where)
{
    bool known = where && where->file;
    json_write_key(w, "location");
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "path", known ? where->file : v->program);
    json_write_key(w, "lines");
    json_write_open(w, '{', JSON_ROW);
    json_write_count(w, "begin", known ? where->line : 1);
    json_write_close(w, '}');
    json_write_close(w, '}');
}

static void put_entry(struct json_writer *w, const struct verdict *v, const char *rule,
                      const char *message, const char *fingerprint,
                      const struct verdict_frame *where)
{
    json_write_open(w, '{', JSON_BLOCK);
    json_write_string(w, "type", "issue");
    json_write_string(w, "check_name", verdict_words(v, "memprof/%s", rule));
    json_write_string(w, "description", message);
    json_write_string(w, "severity", "major");
    json_write_string(w, "fingerprint", fingerprint);
    put_location(w, v, where);
    json_write_close(w, '}');
}

static void write_gitlab(FILE *out, const struct verdict *v)
{
    struct json_writer w = {.file = out};
    json_write_open(&w, '[', JSON_BLOCK);
    for (size_t i = 0; i < v->nchecks; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->failed && c->n == 0)
            put_entry(&w, v, c->rule, verdict_words(v, "%s: %s", c->name, c->message), c->name,
                      NULL);
        for (size_t k = 0; k < c->n; k++) {
            const struct verdict_finding *f = &v->findings[c->first + k];
            put_entry(&w, v, c->rule, f->message, f->fingerprint, verdict_where(f));
        }
    }
    json_write_close(&w, ']');
    json_write_end(&w);
}

const struct verdict_format verdict_gitlab = {"gitlab", write_gitlab};
