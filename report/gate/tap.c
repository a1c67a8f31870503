/* SPDX-License-Identifier: MIT
 *
 * The Test Anything Protocol, version 14: a test point for each check, what failed in a YAML block.
 * https://testanything.org/tap-version-14-specification.html
 */
#include "formats.h"
#include "quote.h"

#include <string.h>

/* A description on one line, in which `#` would begin a directive. */
static void put_description(FILE *out, const struct verdict *v, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "#\\");
        if (n)
            quote_text(out, verdict_words(v, "%.*s", (int)n, text));
        text += n;
        if (*text)
            fprintf(out, "\\%c", *text++);
    }
}

/* A JSON string is a YAML string. */
static void put_item(FILE *out, const char *key, const char *value)
{
    fputs(key, out);
    quote_json(out, value);
    fputc('\n', out);
}

static void put_finding(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    put_item(out, "    - message: ", f->message);
    put_item(out, "      at: ", verdict_place(v, f));
    fputs(f->nframes ? "      stack:\n" : "      stack: []\n", out);
    for (size_t i = 0; i < f->nframes; i++)
        put_item(out, "        - ", verdict_frame_words(v, &f->frames[i]));
    if (f->covers)
        put_item(out, "      suppression: ", f->suppression);
}

static void put_check(FILE *out, const struct verdict *v, size_t i)
{
    const struct verdict_check *c = &v->checks[i];
    fprintf(out, "%s %zu - ", c->failed ? "not ok" : "ok", i + 1);
    put_description(out, v, verdict_words(v, "%s: %s", c->name, c->message));
    fputc('\n', out);
    if (!c->failed)
        return;
    fputs("  ---\n", out);
    put_item(out, "  message: ", c->message);
    fputs("  severity: fail\n", out);
    fputs(c->n ? "  findings:\n" : "  findings: []\n", out);
    for (size_t k = 0; k < c->n; k++)
        put_finding(out, v, &v->findings[c->first + k]);
    fputs("  ...\n", out);
}

static void write_tap(FILE *out, const struct verdict *v)
{
    fprintf(out, "TAP version 14\n1..%zu\n", v->nchecks);
    for (size_t i = 0; i < v->nchecks; i++)
        put_check(out, v, i);
    for (size_t i = 0; i < v->nnotes; i++) {
        fputs("# ", out);
        quote_text(out, v->notes[i]);
        fputc('\n', out);
    }
}

const struct verdict_format verdict_tap = {"tap", write_tap};
