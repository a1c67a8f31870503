/* SPDX-License-Identifier: MIT
 *
 * Where the verdict goes: the report, and whatever other forms were asked for.
 */
#include "die.h"
#include "formats.h"
#include "gate.h"
#include "memory.h"
#include "pathname.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUTS 7

/* The files that are written, NULL between them. */
static void list_outputs(const struct options *options, const char *outputs[OUTPUTS])
{
    const struct check_options *o = &options->check;
    bool file = options->output && strcmp(options->output, "-") != 0;
    const char *const all[OUTPUTS] = {o->update_baseline ? o->baseline : NULL,
                                      file ? options->output : NULL,
                                      o->junit,
                                      o->sarif,
                                      o->markdown,
                                      o->gitlab,
                                      o->tap};
    memcpy(outputs, all, sizeof all);
}

/* No output may take the place of what is read. */
static void protect_inputs(const struct options *options, const char *output)
{
    const struct check_options *o = &options->check;
    bool input = o->baseline && output != o->baseline && out_is_input(output, o->baseline);
    for (size_t i = 0; !input && i < options->ndumps; i++)
        input = out_is_input(output, options->dumps[i]);
    for (size_t i = 0; !input && i < o->suppressions.n; i++)
        input = out_is_input(output, o->suppressions.list[i]);
    for (size_t i = 0; !input && i < o->limits.n; i++)
        input = out_is_input(output, o->limits.list[i]);
    if (input)
        die("'%s': is one of the files to read, expected another to write to", output);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The name by which OUTPUT is to be made, whatever else it is called; malloc'd. NULL: it is a
 * device, of which nothing is replaced. Ends the tool if it cannot be made. */
static char *canonical(const char *output)
{
    struct stat st;
    char *path = strcmp(output, "-") == 0 ? mem_strdup(output) : realpath(output, NULL);
    if (path) {
        if (is_directory(output))
            die("'%s': cannot be written: %s", output, strerror(EISDIR));
        if (stat(output, &st) || S_ISREG(st.st_mode))
            return path;
        free(path);
        return NULL;
    }
    const char *slash = strrchr(output, '/'), *base = slash ? slash + 1 : output;
    char *directory = slash ? strndup(output, (size_t)(base - output)) : mem_strdup(".");
    char *real = directory ? realpath(directory, NULL) : NULL;
    if (!real || access(real, W_OK | X_OK))
        die("'%s': cannot be written: %s", output, strerror(errno));
    path = pathname_below(real, base);
    free(real);
    free(directory);
    return path ? path : mem_strdup(output);
}

/* Nor may one take the place of another. */
static void protect_outputs(const char *const outputs[OUTPUTS])
{
    char *paths[OUTPUTS] = {NULL};
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (outputs[i])
            paths[i] = canonical(outputs[i]);
        for (size_t k = 0; paths[i] && k < i; k++)
            if (paths[k] && strcmp(paths[i], paths[k]) == 0)
                die("'%s': is given for two files, expected different ones", outputs[i]);
    }
    for (size_t i = 0; i < OUTPUTS; i++)
        free(paths[i]);
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
    const char *outputs[OUTPUTS];
    find_format(options);
    list_outputs(options, outputs);
    for (size_t i = 0; i < OUTPUTS; i++)
        if (outputs[i])
            protect_inputs(options, outputs[i]);
    protect_outputs(outputs);
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
