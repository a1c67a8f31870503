/* SPDX-License-Identifier: MIT
 *
 * Where the verdict goes: the report, and whatever other forms were asked for.
 */
#include "die.h"
#include "formats.h"
#include "gate.h"

#include <string.h>

/* No output may take the place of what is read. */
static void protect_inputs(const struct options *options)
{
    const struct check_options *o = &options->check;
    const char *const outputs[] = {o->junit,       o->sarif,
                                   o->markdown,    o->gitlab,
                                   o->tap,         o->update_baseline ? o->baseline : NULL,
                                   options->output};
    static const char wrong[] = "'%s': is one of the files to read, expected another to write to";
    for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
        const char *output = outputs[k];
        for (size_t i = 0; output && i < options->ndumps; i++)
            if (out_is_input(output, options->dumps[i]))
                die(wrong, output);
        for (size_t i = 0; output && i < o->suppressions.n; i++)
            if (out_is_input(output, o->suppressions.list[i]))
                die(wrong, output);
        for (size_t i = 0; output && i < o->limits.n; i++)
            if (out_is_input(output, o->limits.list[i]))
                die(wrong, output);
        if (output && output != o->baseline && o->baseline && out_is_input(output, o->baseline))
            die(wrong, output);
    }
}

static const struct verdict_format *find_format(const struct options *o)
{
    if (o->format == &format_json)
        return &verdict_json;
    if (o->format == &format_markdown)
        return &verdict_markdown;
    if (o->format == &format_csv)
        die("'--format csv': is no form of a verdict, expected text, json or markdown");
    return &verdict_text;
}

void gate_check_outputs(const struct options *options)
{
    find_format(options);
    protect_inputs(options);
}

static void finish(struct out *out, const char *path)
{
    struct error error = {""};
    if (out_commit(out, &error))
        die("'%s': %s", path, error.text);
}

static void begin(struct out *out, const char *path)
{
    struct error error = {""};
    if (out_open(out, path, &error))
        die("'%s': %s", path ? path : "standard output", error.text);
}

/* A file that a form goes to. */
struct target {
    const char *path; /* NULL: nowhere; "-": to the console */
    const struct verdict_format *format;
    struct out out;
};

static void write_target(struct target *t, const struct gate *g, struct out *console)
{
    if (!t->path)
        return;
    if (strcmp(t->path, "-") == 0) {
        t->format->write(console->file, &g->verdict);
        return;
    }
    t->format->write(t->out.file, &g->verdict);
    finish(&t->out, t->path);
}

/* The report itself first; what else goes to standard output follows it, or, if the report has a
 * file of its own, is all there. Nothing is written before all files are open. */
void gate_write(const struct gate *g, struct out *out)
{
    const struct check_options *o = g->o;
    struct out second = {0}, *console = out;
    struct target targets[] = {
        {o->junit, &verdict_junit, {0}},       {o->sarif, &verdict_sarif, {0}},
        {o->markdown, &verdict_markdown, {0}}, {o->gitlab, &verdict_gitlab, {0}},
        {o->tap, &verdict_tap, {0}},           {o->github ? "-" : NULL, &verdict_github, {0}}};
    size_t n = sizeof targets / sizeof *targets;
    for (size_t i = 0; i < n; i++)
        if (targets[i].path && strcmp(targets[i].path, "-") != 0)
            begin(&targets[i].out, targets[i].path);
    if (g->options->output) {
        begin(&second, NULL);
        console = &second;
    }
    find_format(g->options)->write(out->file, &g->verdict);
    for (size_t i = 0; i < n; i++)
        write_target(&targets[i], g, console);
    if (console == &second)
        finish(&second, "standard output");
    out->index++;
}
