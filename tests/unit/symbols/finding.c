/* SPDX-License-Identifier: MIT */
#include "finding.h"

struct finding finding;

bool finding_arguments(int argc, char **argv)
{
    if (argc != 3)
        return false;
    finding.directory = argv[1];
    finding.build_id = argv[2];
    unsetenv("DEBUGINFOD_URLS");
    return true;
}

void finding_note_warning(void *arg, const char *message)
{
    struct finding_warnings *w = arg;
    w->n++;
    snprintf(w->last, sizeof w->last, "%s", message);
}

int finding_main(void **state)
{
    (void)state;
    snprintf(finding.program, sizeof finding.program, "%s/bin/program", finding.directory);
    snprintf(finding.whole, sizeof finding.whole, "%s/bin/whole", finding.directory);
    snprintf(finding.debug_file, sizeof finding.debug_file, "%s/program.debug", finding.directory);
    char command[8192], text[64] = "";
    snprintf(command, sizeof command, "nm '%s' | sed -n 's/ T main$//p'", finding.whole);
    FILE *f = popen(command, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    pclose(f);
    finding.main_address = strtoull(text, NULL, 16);
    return 0;
}

uint32_t finding_look_up(struct symbolize_options *options, const char *path, const char *id,
                         struct finding_warnings *warnings)
{
    *warnings = (struct finding_warnings){0};
    options->demangle = true;
    options->warn = finding_note_warning;
    options->warn_arg = warnings;
    struct symbolizer *s = symbolizer_new(options);
    assert_non_null(s);
    struct dump_module module = {.path = path, .build_id = id};
    const struct symbol *frames;
    for (int i = 3; i-- > 0;)
        assert_true(symbolizer_lookup(s, &module, finding.main_address + (uint64_t)i, &frames) >=
                    1);
    uint32_t line = frames[0].line;
    if (line == 0)
        assert_null(frames[0].file);
    symbolizer_free(s);
    return line;
}

void finding_run(const char *format, const char *a, const char *b, const char *c)
{
    char command[16384];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(command, sizeof command, format, a, b, c);
#pragma GCC diagnostic pop
    assert_int_equal(system(command), 0);
}
