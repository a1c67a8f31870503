/* SPDX-License-Identifier: MIT
 *
 * A summary for a pull request: a table of the checks, then what failed, folded, with its stack. It
 * stays below what GitHub takes as a comment (65,536 characters), whatever there is to say.
 */
#include "die.h"
#include "formats.h"
#include "quote.h"
#include "xml.h"

#include <stdlib.h>

#define MOST_BYTES 60000

/* The text so far. A piece that would make it too long is left out, and all that follow. */
struct page {
    FILE *out;
    size_t used;
    FILE *piece;
    char *text;
    size_t size;
    size_t left_out;
};

static FILE *begin_piece(struct page *p)
{
    p->piece = open_memstream(&p->text, &p->size);
    if (!p->piece)
        die("out of memory");
    return p->piece;
}

static void end_piece(struct page *p)
{
    if (fclose(p->piece))
        die("out of memory");
    if (p->left_out || p->used + p->size > MOST_BYTES) {
        p->left_out++;
    } else {
        fwrite(p->text, 1, p->size, p->out);
        p->used += p->size;
    }
    free(p->text);
}

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    quote_markdown(out, text);
    fputs(after, out);
}

static void put_head(struct page *p, const struct verdict *v)
{
    FILE *out = begin_piece(p);
    put(out, v->nfailed ? "### \xe2\x9d\x8c memprof: " : "### \xe2\x9c\x85 memprof: ", v->program,
        "");
    fprintf(out, ", %zu of %zu checks failed\n\n| | Check | Result |\n| --- | --- | --- |\n",
            v->nfailed, v->nchecks);
    end_piece(p);
}

static void put_row(struct page *p, const struct verdict_check *c)
{
    FILE *out = begin_piece(p);
    put(out, c->failed ? "| \xe2\x9d\x8c | " : "| \xe2\x9c\x85 | ", c->name, " | ");
    put(out, "", c->message, " |\n");
    end_piece(p);
}

/* Failed ones first. */
static void put_rows(struct page *p, const struct verdict *v)
{
    for (size_t i = 0; i < v->nchecks; i++)
        if (v->checks[i].failed)
            put_row(p, &v->checks[i]);
    for (size_t i = 0; i < v->nchecks; i++)
        if (!v->checks[i].failed)
            put_row(p, &v->checks[i]);
}

static void put_finding(struct page *p, const struct verdict *v, const struct verdict_finding *f)
{
    FILE *out = begin_piece(p);
    fputs("\n<details><summary>", out);
    xml_content(out, verdict_words(v, "%s: %s: %s", f->check, verdict_place(v, f), f->message));
    fputs("</summary>\n\n", out);
    for (size_t i = 0; i < verdict_frames(v, f); i++)
        put(out, "1. ", verdict_frame_words(v, &f->frames[i]), "\n");
    if (f->left_out)
        fprintf(out, "\n%zu more frame%s\n", f->left_out, f->left_out == 1 ? "" : "s");
    if (f->covers > 1)
        fprintf(out, "\nTo suppress it and %zu more stack%s: ", f->covers - 1,
                f->covers == 2 ? "" : "s");
    else if (f->covers)
        fputs("\nTo suppress it: ", out);
    if (f->covers)
        put(out, "", f->suppression, "\n");
    fputs("\n</details>\n", out);
    end_piece(p);
}

static void put_note(struct page *p, const char *what, const char *text)
{
    FILE *out = begin_piece(p);
    put(out, "\n", what, "");
    put(out, "", text, "\n");
    end_piece(p);
}

static void put_suppressions(struct page *p, const struct verdict *v)
{
    for (size_t i = 0; i < v->suppressions->n; i++) {
        const struct suppression *s = &v->suppressions->list[i];
        const char *name = verdict_suppression(v, s);
        if (s->expired)
            put_note(p, "Expired: ", verdict_words(v, "%s, since %s", name, s->expires));
        else if (!s->stacks)
            put_note(p, "Unused: ", name);
        else if (!s->only)
            put_note(p, "Suppressed: ",
                     verdict_words(v, "%s: %s%s%s", name,
                                   verdict_amount(v, s->stacks, s->blocks, s->bytes),
                                   s->issue ? ", " : "", s->issue ? s->issue : ""));
    }
}

static void write_markdown(FILE *out, const struct verdict *v)
{
    struct page p = {.out = out};
    size_t hidden = 0;
    put_head(&p, v);
    put_rows(&p, v);
    for (size_t i = 0; i < v->nchecks; i++)
        hidden += v->checks[i].failed ? v->checks[i].left_out : 0;
    for (size_t i = 0; i < v->nfindings; i++)
        put_finding(&p, v, &v->findings[i]);
    for (size_t i = 0; i < v->nnotes; i++)
        put_note(&p, "Note: ", v->notes[i]);
    put_suppressions(&p, v);
    if (hidden || p.left_out)
        fprintf(out, "\n%zu more finding%s and %zu more line%s are left out.\n", hidden,
                hidden == 1 ? "" : "s", p.left_out, p.left_out == 1 ? "" : "s");
}

const struct verdict_format verdict_markdown = {"markdown", write_markdown};
