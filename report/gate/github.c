/* SPDX-License-Identifier: MIT
 *
 * Workflow commands of GitHub Actions: an annotation for each finding, at its line.
 * https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
 */
#include "escape.h"
#include "formats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* GitHub shows ten errors of a step and drops the rest: the last one says how many there are. */
#define SHOWN 10

/* What would end a command or one of its properties becomes %25 and so on, what a terminal would
 * obey \x1b. */
static void put_escaped(FILE *out, const char *text, const char *special)
{
    char *safe = escape_text(text, strlen(text), 0);
    for (const char *s = safe; s && *s; s++) {
        if (*s == '%' || strchr(special, *s))
            fprintf(out, "%%%02X", (unsigned char)*s);
        else
            fputc(*s, out);
    }
    free(safe);
}

static void put_message(FILE *out, const char *text)
{
    put_escaped(out, text, "");
}

static void put_property(FILE *out, const char *before, const char *text)
{
    fputs(before, out);
    put_escaped(out, text, ":,");
}

/* A file outside the checkout is named by its whole path, for whoever reads the log. A library's
 * relative name, such as libio/genops.c, would be taken for one in the checkout: it is only in the
 * words. */
static void put_place(FILE *out, const struct verdict_frame *where)
{
    if (!where || !where->file || (!where->relative && where->file[0] != '/'))
        return;
    put_property(out, "file=", where->file);
    fprintf(out, ",line=%" PRIu32 ",", where->line);
}

static void put_finding(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    fputs("::error ", out);
    put_place(out, verdict_where(f));
    put_property(out, "title=", verdict_words(v, "memprof %s", f->check));
    fputs("::", out);
    put_message(out, verdict_words(v, "%s: %s", verdict_place(v, f), f->message));
    for (size_t i = 0; i < verdict_frames(v, f); i++) {
        fprintf(out, "%%0A#%zu ", i);
        put_message(out, verdict_frame_words(v, &f->frames[i]));
    }
    fputc('\n', out);
}

/* A check that failed without a place of its own. */
static void put_check(FILE *out, const struct verdict *v, const struct verdict_check *c)
{
    fputs("::error ", out);
    put_property(out, "title=", verdict_words(v, "memprof %s", c->name));
    fputs("::", out);
    put_message(out, c->message);
    fputc('\n', out);
}

static void write_github(FILE *out, const struct verdict *v)
{
    size_t total = 0, shown = 0;
    for (size_t i = 0; i < v->nchecks; i++)
        if (v->checks[i].failed)
            total += v->checks[i].n + v->checks[i].left_out + (v->checks[i].n == 0);
    size_t most = total > SHOWN ? SHOWN - 1 : total;
    for (size_t i = 0; i < v->nchecks; i++) {
        const struct verdict_check *c = &v->checks[i];
        if (c->failed && c->n == 0 && shown < most) {
            put_check(out, v, c);
            shown++;
        }
        for (size_t k = 0; k < c->n && shown < most; k++, shown++)
            put_finding(out, v, &v->findings[c->first + k]);
    }
    if (shown < total)
        fprintf(out, "::error title=memprof::%zu more finding%s, see the log\n", total - shown,
                total - shown == 1 ? "" : "s");
}

const struct verdict_format verdict_github = {"github", write_github};
