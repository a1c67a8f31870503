/* SPDX-License-Identifier: MIT
 *
 * For people, on one screen: what failed, by how much and where, with the stack; then what passed;
 * then what was not judged and why.
 */
#include "formats.h"
#include "quote.h"

#include <string.h>

#define SCREEN 40 /* lines for what failed */
#define LISTED 10 /* lines of one kind of the rest */
#define LEAST 3   /* lines of a check that failed, without a stack */

/* What is written to, and how much room is left on the screen. */
struct screen {
    FILE *out;
    const struct verdict *v;
    size_t left; /* lines; SIZE_MAX: no end of them */
};

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    quote_text(out, text);
    fputs(after, out);
}

static void put_more(FILE *out, const char *before, size_t n, const char *what)
{
    if (n)
        fprintf(out, "%s%zu more %s%s (--limit 0 shows all)\n", before, n, what, n == 1 ? "" : "s");
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

/* How many of them are shown: up to the one to blame at least. */
static size_t count_shown(const struct verdict *v, const struct verdict_finding *f)
{
    size_t n = verdict_frames(v, f);
    if (v->shown_frames && v->shown_frames < n)
        n = v->shown_frames;
    return n <= f->where && f->nframes ? f->where + 1 : n;
}

/* Lines that F takes with its stack. */
static size_t count_lines(const struct verdict *v, const struct verdict_finding *f)
{
    size_t lines = 2 + count_shown(v, f);
    for (const char *c = verdict_proposal(v, f); c && *c; c++)
        lines += *c == '\n' || !c[1];
    return lines;
}

static void put_stack(FILE *out, const struct verdict *v, const struct verdict_finding *f)
{
    size_t n = count_shown(v, f), left_out = f->left_out + verdict_frames(v, f) - n;
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "    #%zu ", i);
        put(out, "", verdict_frame_words(v, &f->frames[i]), "\n");
    }
    if (left_out)
        fprintf(out, "    .. %zu more frame%s (--frames 0 shows all)\n", left_out,
                left_out == 1 ? "" : "s");
}

/* WHOLE: with its stack. */
static void put_finding(FILE *out, const struct verdict *v, const struct verdict_finding *f,
                        bool whole)
{
    put(out, "  ", verdict_place(v, f), ": ");
    put(out, "", f->message, "\n");
    if (whole)
        put_stack(out, v, f);
    const char *proposal = verdict_proposal(v, f);
    if (whole && proposal)
        put_lines(out, v, proposal);
}

/* A check that failed, on ROOM lines or a few more: its first finding is told at any rate. Returns
 * how many there were. */
static size_t put_failed(FILE *out, const struct verdict *v, const struct verdict_check *c,
                         size_t room)
{
    size_t most = v->shown_findings && v->shown_findings < c->n ? v->shown_findings : c->n;
    size_t n = 0, used = LEAST - 1;
    put_state(out, v, true);
    put(out, "  ", c->name, ": ");
    put(out, "", c->message, "\n");
    for (; n < most && (n == 0 || used < room); n++) {
        const struct verdict_finding *f = &v->findings[c->first + n];
        size_t lines = count_lines(v, f);
        bool whole = lines <= room && used <= room - lines;
        put_finding(out, v, f, whole);
        used += whole ? lines : 1;
    }
    put_more(out, "  .. and ", c->left_out + c->n - n, "place");
    fputc('\n', out);
    return used;
}

/* Lines for the next check when so many are TO_COME. */
static size_t find_room(const struct screen *s, size_t to_come)
{
    size_t others = to_come * LEAST, share = s->left / (to_come + 1);
    size_t spare = s->left > others ? s->left - others : 0;
    size_t room = spare < share ? spare : share;
    /* The first one's stack is worth more than a full list. */
    return s->left == SCREEN && room < SCREEN / 2 ? SCREEN / 2 : room;
}

/* All share the screen: stacks are told of the first ones, and when it is full the rest is but
 * counted. */
static void put_failures(struct screen *s)
{
    const struct verdict *v = s->v;
    size_t to_come = v->nfailed;
    for (size_t i = 0; i < v->nchecks && to_come && s->left; i++) {
        if (!v->checks[i].failed)
            continue;
        size_t used = put_failed(s->out, v, &v->checks[i], find_room(s, --to_come));
        if (v->one_screen)
            s->left = used < s->left ? s->left - used : 0;
    }
    put_more(s->out, "FAILED  ", to_come, "check");
}

static void put_passed(FILE *out, const struct verdict *v)
{
    size_t told = 0, passed = v->nchecks - v->nfailed;
    for (size_t i = 0; i < v->nchecks && !(v->one_screen && told == LISTED); i++) {
        if (v->checks[i].failed)
            continue;
        put_state(out, v, false);
        put(out, "  ", v->checks[i].name, ": ");
        put(out, "", v->checks[i].message, "\n");
        told++;
    }
    put_more(out, "passed  ", passed - told, "check");
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

static void put_suppression(FILE *out, const struct verdict *v, const struct suppression *s)
{
    const char *state = s->expired ? "expired     " : s->stacks ? "suppressed  " : "unused      ";
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

/* What each suppression did, and which did nothing; of an allow-list the latter. */
static void put_suppressions(FILE *out, const struct verdict *v)
{
    size_t told = 0, more = 0;
    for (size_t i = 0; i < v->suppressions->n; i++) {
        const struct suppression *s = &v->suppressions->list[i];
        if (s->only && s->stacks)
            continue;
        if (v->one_screen && told == LISTED)
            more++;
        else
            put_suppression(out, v, s);
        told += more == 0;
    }
    put_more(out, "            ", more, "suppression");
}

static void write_text(FILE *out, const struct verdict *v)
{
    struct screen screen = {out, v, v->one_screen ? SCREEN : SIZE_MAX};
    put_failures(&screen);
    put_passed(out, v);
    for (size_t i = 0; i < v->nruntime; i++)
        put_group(out, v,
                  v->runtime_counted ? "counted     run-time library, "
                                     : "not counted run-time library, ",
                  &v->runtime[i]);
    for (size_t i = 0; i < VERDICT_GROUPS; i++)
        put_group(out, v, "not counted ", &v->groups[i]);
    put_suppressions(out, v);
    for (size_t i = 0; i < v->nnotes; i++)
        put(out, "note: ", v->notes[i], "\n");
    put_state(out, v, v->nfailed > 0);
    put(out, ": ", v->program, "");
    if (v->ndumps > 1)
        fprintf(out, " and %zu more process%s", v->ndumps - 1, v->ndumps == 2 ? "" : "es");
    fprintf(out, ", %zu of %zu checks failed\n", v->nfailed, v->nchecks);
}

const struct verdict_format verdict_text = {"text", write_text};
