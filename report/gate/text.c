/* SPDX-License-Identifier: MIT
 *
 * For people, on one screen: what failed, by how much and where, with the stack; then what passed;
 * then what was not judged and why.
 */
#include "formats.h"
#include "quote.h"

#include <string.h>

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    quote_text(out, text);
    fputs(after, out);
}

/* Text of several lines, each indented. */
static void put_lines(FILE *out, const struct verdict *v, const char *text)
{
    while (*text) {
        int n = (int)strcspn(text, "\n");
        put(out, "      ", verdict_words(v, "%.*s", n, text), "\n");
        text += text[n] ? n + 1 : n;
    }
}

/* A bold or coloured word. */
static void put_state(FILE *out, const struct verdict *v, bool failed)
{
    const char *word = failed ? "FAILED" : "passed";
    if (v->color)
        fprintf(out, "\033[%sm%s\033[0m", failed ? "1;31" : "32", word);
    else
        fputs(word, out);
}

static void put_stack(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    size_t n = v->shown_frames && v->shown_frames < f->nframes ? v->shown_frames : f->nframes;
    if (n <= f->where && f->nframes)
        n = f->where + 1;
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "    #%zu ", i);
        put(out, "", verdict_frame_words(v, &f->frames[i]), "\n");
    }
    size_t left_out = f->left_out + f->nframes - n;
    if (left_out)
        fprintf(out, "    .. %zu more frame%s (--frames 0 shows all)\n", left_out,
                left_out == 1 ? "" : "s");
}

static void put_finding(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    put(out, "  ", verdict_place(v, f), ": ");
    put(out, "", f->message, "\n");
    put_stack(out, v, f);
    if (f->suppression)
        put_lines(out, v, f->suppression);
}

static void put_failed(FILE *out, const struct verdict *v, const struct verdict_check *c)
{
    size_t n = v->shown_findings && v->shown_findings < c->n ? v->shown_findings : c->n;
    put_state(out, v, true);
    put(out, "  ", c->name, ": ");
    put(out, "", c->message, "\n");
    for (size_t i = 0; i < n; i++)
        put_finding(out, v, &v->findings[c->first + i]);
    if (c->left_out + c->n - n)
        fprintf(out, "  .. and %zu more (--limit 0 shows all)\n", c->left_out + c->n - n);
    fputc('\n', out);
}

static void put_group(FILE *out, const struct verdict *v, const char *what,
                      const struct verdict_group *g)
{
    if (!g->stacks)
        return;
    fputs(what, out);
    put(out, "", g->name, ": ");
    fprintf(out, "%s\n", verdict_amount(v, g->stacks, g->blocks, g->bytes));
}

/* What each suppression did, and which did nothing. */
static void put_suppressions(FILE *out, const struct verdict *v)
{
    for (size_t i = 0; i < v->suppressions->n; i++) {
        const struct suppression *s = &v->suppressions->list[i];
        if (s->only)
            continue;
        const char *state = s->expired  ? "expired     "
                            : s->stacks ? "suppressed  "
                                        : "unused      ";
        put(out, state, verdict_suppression(v, s), "");
        if (s->stacks)
            fprintf(out, "%s %s", s->expired ? ": would suppress" : ":",
                    verdict_amount(v, s->stacks, s->blocks, s->bytes));
        if (s->expires)
            fprintf(out, ", %s %s", s->expired ? "since" : "until", s->expires);
        if (s->issue)
            put(out, ", ", s->issue, "");
        fputc('\n', out);
    }
}

static void put_unused_only(FILE *out, const struct verdict *v)
{
    for (size_t i = 0; i < v->suppressions->n; i++) {
        const struct suppression *s = &v->suppressions->list[i];
        if (s->only && !s->stacks)
            put(out, "unused      ", verdict_suppression(v, s), "\n");
    }
}

static void write_text(FILE *out, const struct verdict *v)
{
    for (size_t i = 0; i < v->nchecks; i++)
        if (v->checks[i].failed)
            put_failed(out, v, &v->checks[i]);
    for (size_t i = 0; i < v->nchecks; i++) {
        if (v->checks[i].failed)
            continue;
        put_state(out, v, false);
        put(out, "  ", v->checks[i].name, ": ");
        put(out, "", v->checks[i].message, "\n");
    }
    for (size_t i = 0; i < v->nruntime; i++)
        put_group(out, v,
                  v->runtime_counted ? "counted     run-time library, "
                                     : "not counted run-time library, ",
                  &v->runtime[i]);
    for (size_t i = 0; i < VERDICT_GROUPS; i++)
        put_group(out, v, "not counted ", &v->groups[i]);
    put_suppressions(out, v);
    put_unused_only(out, v);
    for (size_t i = 0; i < v->nnotes; i++)
        put(out, "note: ", v->notes[i], "\n");
    put_state(out, v, v->nfailed > 0);
    put(out, ": ", v->program, "");
    if (v->ndumps > 1)
        fprintf(out, " and %zu more process%s", v->ndumps - 1, v->ndumps == 2 ? "" : "es");
    fprintf(out, ", %zu of %zu check%s failed\n", v->nfailed, v->nchecks,
            v->nchecks == 1 ? "" : "s");
}

const struct verdict_format verdict_text = {"text", write_text};
