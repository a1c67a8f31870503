/* SPDX-License-Identifier: MIT */
#include "cells.h"
#include "occasion.h"
#include "out_text.h"
#include "quote.h"
#include "resident.h"

#include <inttypes.h>
#include <string.h>

/* A word of a command line, so that the shell would read it back. */
static void put_word(const struct out *o, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, o->file);
        return;
    }
    fputc('\'', o->file);
    quote_text(o->file, word);
    fputc('\'', o->file);
}

static void put_label(const struct out *o, const char *label)
{
    text_bold(o, true);
    fprintf(o->file, "%-14s", label);
    text_bold(o, false);
}

static void put_process(const struct out *o, const struct dump *dump)
{
    const struct dump_process *p = &dump->process;
    put_label(o, "Process");
    quote_text(o->file, format_base_name(p->exe));
    fprintf(o->file, " (pid %" PRIu64, p->pid);
    if (p->parent_pid)
        fprintf(o->file, ", forked by %" PRIu64, p->parent_pid);
    fputs(")\n", o->file);
    if (p->nargv) {
        put_label(o, "Command");
        for (size_t i = 0; i < p->nargv; i++) {
            fputs(i ? " " : "", o->file);
            put_word(o, p->argv[i]);
        }
        fputc('\n', o->file);
    }
    put_label(o, "Host");
    const char *const parts[] = {p->hostname, p->arch, p->allocator};
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i] || !*parts[i])
            continue;
        fputs(any ? ", " : "", o->file);
        quote_text(o->file, parts[i]);
        any = true;
    }
    fputs(any ? "\n" : "unknown\n", o->file);
}

static void put_recording(const struct out *o, const struct dump *dump)
{
    char buffer[UNITS_MAX], words[OCCASION_MAX];
    put_label(o, "Recorded");
    if (dump->process.start_time) {
        quote_text(o->file, dump->process.start_time);
        fputs(", ", o->file);
    }
    fprintf(o->file, "%s, until: ", units_duration(buffer, dump->elapsed_ns));
    quote_text(o->file, dump->reason);
    fputs(dump->complete ? "\n" : " (INCOMPLETE)\n", o->file);
    put_label(o, "Written");
    fputs("because ", o->file);
    quote_text(o->file, occasion_words(words, dump));
    fputc('\n', o->file);
    put_label(o, "Mode");
    if (dump->sample_mean_bytes)
        fprintf(o->file, "sampled, every %s on average: the figures are estimates%s\n",
                units_human(buffer, dump->sample_mean_bytes),
                dump->has_errors ? ", \u00b1 their standard errors" : "");
    else
        fprintf(o->file, "exact: every %s\n",
                dump->of_mappings ? "mapping that the program made itself, in address space"
                                  : "allocation");
    if (dump->max_overhead > 0) {
        put_label(o, "Overhead");
        fprintf(o->file, "%.3g %% of the program's CPU time, %.3g %% allowed; ", dump->overhead,
                dump->max_overhead);
        fprintf(o->file, "the sampling changed %" PRIu64 " times\n", dump->sample_changes);
    }
    put_label(o, "Coverage");
    if (dump->has_coverage)
        fprintf(o->file, "%.4g %%\n", dump->coverage_percent);
    else
        fputs("unknown\n", o->file);
}

/* A total's two figures in words. */
struct total_words {
    char bytes[UNITS_MAX], count[UNITS_MAX];
};

static struct total_words words_of(const struct summary_total *t)
{
    struct total_words words = {"", ""};
    char error[UNITS_MAX];
    if (t->has_bytes)
        units_human(words.bytes, t->bytes);
    if (t->has_bytes && t->bytes_error)
        cells_add_error(words.bytes, units_human(error, t->bytes_error));
    if (t->has_count)
        cells_count(words.count, t->count);
    if (t->has_count && t->count_error)
        cells_add_error(words.count, cells_count(error, t->count_error));
    return words;
}

/* The word behind a count. */
static const char *thing_of(const struct dump *dump, const struct summary_total *t)
{
    if (!t->has_count || !t->has_bytes)
        return "";
    if (dump->of_mappings || t->mappings)
        return t->count == 1 ? " mapping" : " mappings";
    return t->count == 1 ? " block" : " blocks";
}

static void put_totals(const struct out *o, const struct summary *s)
{
    int bytes = 10, count = 15;
    for (size_t i = 0; i < s->ntotals; i++) {
        const struct total_words words = words_of(&s->totals[i]);
        bytes = cells_width(words.bytes) > bytes ? cells_width(words.bytes) : bytes;
        count = cells_width(words.count) + 2 > count ? cells_width(words.count) + 2 : count;
    }
    fputc('\n', o->file);
    for (size_t i = 0; i < s->ntotals; i++) {
        const struct summary_total *t = &s->totals[i];
        const struct total_words words = words_of(t);
        put_label(o, t->label);
        fprintf(o->file, "%*s%s", bytes - cells_width(words.bytes), "", words.bytes);
        fprintf(o->file, "%*s%s%-7s", count - cells_width(words.count), "", words.count,
                thing_of(s->dump, t));
        fprintf(o->file, "  %s\n", t->meaning);
    }
    fputc('\n', o->file);
}

/* What the resident set consists of. */
static void put_resident(const struct out *o, const struct dump *dump)
{
    const struct resident r = resident_of(dump);
    char bytes[UNITS_MAX], limit[UNITS_MAX], when[OCCASION_MAX];
    const char *unknown = occasion_resident_unknown(dump);
    if (unknown)
        fprintf(o->file, "%s\n\n", unknown);
    if (r.n == 0 || dump->of_mappings)
        return;
    fprintf(o->file, "Heap and RSS, %s:\n\n", occasion_resident(when, dump));
    for (size_t i = 0; i < r.n; i++) {
        const struct resident_row *row = &r.rows[i];
        put_label(o, row->label);
        units_human(bytes, row->bytes);
        fprintf(o->file, "%*s%s%s  %6.1f %%  %s\n", 9 - cells_width(bytes), "",
                row->negative ? "-" : " ", bytes, row->percent, row->meaning);
    }
    put_label(o, "= RSS");
    fprintf(o->file, "%10s  %6.1f %%  resident memory of the process\n",
            units_human(bytes, dump->resident_rss_bytes), dump->resident_rss_bytes ? 100.0 : 0.0);
    if (dump->cgroup_limit) {
        put_label(o, "Control group");
        fprintf(o->file, "%10s            in use of %s, with the group's other processes\n",
                units_human(bytes, dump->cgroup_used), units_human(limit, dump->cgroup_limit));
    }
    fputc('\n', o->file);
}

static void put_warnings(const struct out *o, const struct dump *dump)
{
    for (size_t i = 0; i < dump->nwarnings; i++) {
        text_bold(o, true);
        fputs("Warning: ", o->file);
        text_bold(o, false);
        quote_text(o->file, dump->warnings[i].text);
        fputs(" [", o->file);
        quote_text(o->file, dump->warnings[i].code);
        fputs("]\n", o->file);
    }
    if (dump->nwarnings)
        fputc('\n', o->file);
}

static void put_root(const struct out *o, const struct summary *s)
{
    if (!s->root)
        return;
    fputs("Project root: ", o->file);
    quote_text(o->file, s->root);
    fputs(s->root_guessed ? " (where the program's sources are; --project-root none: without)\n\n"
                          : "\n\n",
          o->file);
}

void text_summary(struct out *o, const struct summary_report *r)
{
    const struct dump *dump = r->summary->dump;
    put_process(o, dump);
    put_recording(o, dump);
    put_totals(o, r->summary);
    put_resident(o, dump);
    put_warnings(o, dump);
    put_root(o, r->summary);
    fprintf(o->file,
            "The lines that allocate most. Mem usage: held at the program's peak. Increment: not\n"
            "freed at the dump. Each line is charged for %s.\n\n",
            r->lines.self ? "what it allocates itself"
                          : "all that was allocated while it was on the stack");
    if (r->lines.filtered)
        fputs("The totals are the whole program's; what follows is of what matches --file and\n"
              "--function.\n\n",
              o->file);
    text_lines(o, &r->lines);
    if (r->lines.lines->left_out || r->lines.lines->foreign)
        fputs("`lines` shows whole functions.\n", o->file);
    if (!dump->leaks_unwanted) {
        fputc('\n', o->file);
        text_leaks(o, &r->leaks);
    }
}
