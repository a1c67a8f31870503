/* SPDX-License-Identifier: MIT
 *
 * Where the verdict goes: the report, and whatever other forms were asked for.
 */
#include "die.h"
#include "formats.h"
#include "gate.h"

#include <string.h>

/* No output may take the place of what is read. */
static void protect_inputs(const struct gate *g)
{
    const struct check_options *o = g->o;
    const char *const outputs[] = {
        o->junit,          o->sarif, o->markdown,
        o->gitlab,         o->tap,   o->update_baseline ? o->baseline : NULL,
        g->options->output};
    static const char wrong[] = "'%s': is one of the files to read, expected another to write to";
    for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
        const char *output = outputs[k];
        for (size_t i = 0; output && i < g->options->ndumps; i++)
            if (out_is_input(output, g->options->dumps[i]))
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

void gate_check_outputs(const struct gate *g)
{
    find_format(g->options);
    protect_inputs(g);
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

/* Puts the verdict where PATH says; NULL: nowhere; "-": to the CONSOLE. */
static void write_file(const struct gate *g, const char *path, const struct verdict_format *format,
                       struct out *console)
{
    struct out out = {0};
    if (!path)
        return;
    if (strcmp(path, "-") == 0) {
        format->write(console->file, &g->verdict);
        return;
    }
    begin(&out, path);
    format->write(out.file, &g->verdict);
    finish(&out, path);
}

/* The report itself first; what else goes to standard output follows it, or, if the report has a
 * file of its own, is all there. */
void gate_write(const struct gate *g, struct out *out)
{
    const struct check_options *o = g->o;
    struct out second = {0}, *console = out;
    if (g->options->output) {
        begin(&second, NULL);
        console = &second;
    }
    find_format(g->options)->write(out->file, &g->verdict);
    write_file(g, o->junit, &verdict_junit, console);
    write_file(g, o->sarif, &verdict_sarif, console);
    write_file(g, o->markdown, &verdict_markdown, console);
    write_file(g, o->gitlab, &verdict_gitlab, console);
    write_file(g, o->tap, &verdict_tap, console);
    write_file(g, o->github ? "-" : NULL, &verdict_github, console);
    if (console == &second)
        finish(&second, "standard output");
    out->index++;
}
