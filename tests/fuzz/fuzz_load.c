/* SPDX-License-Identifier: MIT
 *
 * Bytes as a dump, through the loader, the model and every verb in every format. Symbols are not
 * looked up: what a dump names would be read from the machine at hand.
 */
#include "baseline.h"
#include "compare.h"
#include "fake_symbols.h"
#include "fuzz.h"
#include "job.h"
#include "load.h"
#include "model.h"
#include "source.h"
#include "verbs.h"

#include <stdlib.h>

#define MAX_SIZE (256 << 10)
#define FIXED_BYTES ((size_t)128 << 10)
#ifndef FUZZ_LONG /* by libFuzzer */
#define FUZZ_LONG 0
#endif

const struct fake fake_table[] = {{0}};

static void run_verb(struct job *job, const struct verb *verb, const struct format *format,
                     bool otherwise)
{
    struct options options = {.verb = verb,
                              .format = format,
                              .unit = unit_find(otherwise ? "B" : "MiB"),
                              .unit_wanted = otherwise,
                              .self = otherwise,
                              .bottom_up = otherwise,
                              .has_limit = otherwise,
                              .columns = otherwise ? "+lifetime,avg-size,peak" : NULL,
                              .sort = otherwise ? columns_find("max-live") : NULL,
                              .function_glob = otherwise ? "*a*" : NULL,
                              .depth = TREE_USUAL_DEPTH};
    job->options = &options;
    job->out->format = format;
    job->out->unit = options.unit;
    job->out->unit_wanted = options.unit_wanted;
    job->out->color = otherwise;
    job->out->index = 0;
    job->out->json = (struct json_writer){.file = job->out->file};
    if (format->begin)
        format->begin(job->out);
    if (format->dump_begin)
        format->dump_begin(job->out);
    verb->run(job);
    if (format->dump_end)
        format->dump_end(job->out);
    if (format->end)
        format->end(job->out);
}

/* A baseline of the dump must be readable, and be the same stacks. */
static void check_baseline(const struct model *m)
{
    char *text = NULL;
    size_t size = 0;
    struct error error = {""};
    struct identities *identities = identities_new();
    struct stackset *s = stackset_new("fuzz", identities),
                    *again = stackset_new("again", identities);
    stackset_add(s, m, NULL, NULL);
    stackset_sort(s);
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    baseline_write(out, s);
    fclose(out);
    struct input *in = input_memory(text, size);
    if (!baseline_is_next(in) || baseline_read(again, in, &error))
        abort();
    input_close(in);
    stackset_sort(again);
    struct comparison c = compare(s, again);
    for (size_t i = 0; i < c.n; i++)
        if (c.rows[i].match != COMPARE_EXACT)
            abort();
    comparison_free(&c);
    stackset_free(again);
    stackset_free(s);
    identities_free(identities);
    free(text);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct error error = {""};
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (!nowhere || size > MAX_SIZE)
        return -1;
    struct dump *dump = load_bytes("fuzz.json", (const char *)data, size, &error);
    if (!dump != (error.text[0] != '\0'))
        abort();
    if (!dump)
        return 0;
    struct out out = {.file = nowhere, .ndumps = 1, .dump = dump->path};
    struct job job = {.out = &out, .dump = dump};
    job.symbols = fake_symbolizer();
    job.sources = sources_new();
    job.model = model_new(dump, job.symbols, NULL, NULL);
    /* In a long run, one way to print it for each input: there are many inputs. */
    size_t way = 0, wanted = FUZZ_LONG ? data[size - 1] % 64 + size % 64 : SIZE_MAX;
    for (const struct verb *verb = verbs_table; verb->name; verb++)
        for (size_t f = 0; verb->run && formats[f]; f++)
            for (int otherwise = 0; otherwise < 2; otherwise++)
                if (wanted == SIZE_MAX || way++ % 128 == wanted)
                    run_verb(&job, verb, formats[f], otherwise);
    if (wanted == SIZE_MAX || wanted % 8 == 0)
        check_baseline(job.model);
    model_free(job.model);
    sources_free(job.sources);
    symbolizer_free(job.symbols);
    load_free(dump);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    return fuzz_memory_of_json(data, size, FIXED_BYTES);
}
