/* SPDX-License-Identifier: MIT
 *
 * Runs a sample and looks up what it printed about itself.
 *     test_variant MODE PROGRAM [DEBUG-ROOT [NAME BUILD-ID]]
 * MODE says how much must be known: `full`; `outer` (lines, but of inlined functions only the
 * innermost line, with a warning); `symbols` (names only, function+0x1c); `nothing` (0x1234, or
 * what the library exports). NAME and BUILD-ID are looked up in the program's place.
 */
#include "dump.h"
#include "symbolize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *mode, *program, *debug_root, *copy, *copy_id;
static unsigned warnings;

static void count_warning(void *arg, const char *message)
{
    (void)arg;
    warnings++;
    fprintf(stderr, "warning: %s\n", message);
}

static struct symbolizer *new_symbolizer(void)
{
    struct symbolize_options options = {.debug_roots = &debug_root,
                                        .ndebug_roots = debug_root ? 1 : 0,
                                        .demangle = true,
                                        .warn = count_warning};
    struct symbolizer *s = symbolizer_new(&options);
    assert_non_null(s);
    return s;
}

/* EXPECTED is "function|line|file"; modified. */
static void check_frame(const struct symbol *got, char *expected)
{
    char *line = strchr(expected, '|');
    assert_non_null(line);
    *line++ = '\0';
    char *file = strchr(line, '|');
    *file++ = '\0';
    unsigned number = (unsigned)strtoul(line, NULL, 10);
    if (number == 0 || strcmp(mode, "symbols") == 0) {
        size_t length = strlen(expected);
        assert_int_equal(got->line, 0);
        assert_null(got->file);
        if (got->linkage && strncmp(got->linkage, "_Z", 2) != 0)
            assert_memory_equal(got->function, expected, length);
        assert_non_null(strstr(got->function, "+0x"));
        return;
    }
    assert_string_equal(got->function, expected);
    assert_int_equal(got->line, number);
    assert_string_equal(got->file, file);
    /* Assembly says nothing about where a function begins. */
    bool assembly = strcmp(file + strlen(file) - 2, ".S") == 0;
    assert_true(assembly || (got->function_line > 0 && got->function_line <= number));
}

static void check_span(struct symbolizer *s, const struct dump_module *m, uint64_t address,
                       const struct symbol *frames, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct function_span span;
        if (frames[i].function_line == 0)
            continue;
        assert_true(symbolizer_frame_span(s, m, address, i, &span));
        assert_int_equal(span.first, frames[i].function_line);
        assert_true(frames[i].line <= span.last);
        assert_true(span.last - span.first < 16); /* no sample function is longer */
    }
}

static void check_nothing(const struct symbol *frame)
{
    assert_null(frame->file);
    if (frame->linkage)
        assert_non_null(strstr(frame->function, "+0x"));
    else
        assert_memory_equal(frame->function, "0x", 2);
}

/* CHAIN is what probe() printed after the address. */
static void check_outer(const struct symbol *frame, size_t n, const char *chain)
{
    const char *line = strchr(chain, '|'), *last = strrchr(chain, '\t');
    const char *outer = last ? last + 1 : chain;
    size_t length = strcspn(outer, "|");
    assert_int_equal(n, 1);
    assert_int_equal(frame->line, strtoul(line + 1, NULL, 10));
    assert_memory_equal(frame->function, outer, length);
}

static bool is_any(const char *path)
{
    (void)path;
    return true;
}

/* Without lines the function is known all the same, wherever its symbol is; and then lines are
 * again. FRAMES: the N at ADDRESS. */
static void check_names_only(struct symbolizer *s, const struct dump_module *m, uint64_t address,
                             const struct symbol *frames, size_t n)
{
    const struct symbol *outer = &frames[n - 1], *plain, *again;
    symbolizer_names_only(s, is_any);
    assert_int_equal(symbolizer_lookup(s, m, address, &plain), 1);
    assert_int_equal(plain->line, 0);
    assert_null(plain->file);
    assert_non_null(plain->linkage);
    assert_string_equal(plain->linkage, outer->linkage);
    assert_non_null(strstr(plain->function, "+0x"));
    symbolizer_names_only(s, NULL);
    assert_int_equal(symbolizer_lookup(s, m, address, &again), n);
    assert_ptr_equal(again, frames);
}

/* LINE is what probe() printed; modified. */
static void check_line(struct symbolizer *s, char *line)
{
    char *rest = line;
    const char *path = strsep(&rest, "\t");
    uint64_t address = strtoull(strsep(&rest, "\t"), NULL, 16);
    /* The library keeps its debug information in every mode. */
    if (strcmp(mode, "full") != 0 && strcmp(path, program) != 0)
        return;
    bool replaced = copy && strcmp(path, program) == 0;
    struct dump_module module = {.path = replaced ? copy : path,
                                 .build_id = replaced ? copy_id : NULL};
    const struct symbol *frames, *again;
    size_t n = symbolizer_lookup(s, &module, address, &frames);
    assert_int_equal(symbolizer_lookup(s, &module, address, &again), n);
    assert_ptr_equal(frames, again);
    assert_string_equal(frames[0].module, module.path);
    if (strcmp(mode, "nothing") == 0) {
        assert_int_equal(n, 1);
        check_nothing(&frames[0]);
        return;
    }
    if (strcmp(mode, "outer") == 0) {
        check_outer(frames, n, rest);
        return;
    }
    size_t i = 0;
    bool known = frames[0].line > 0;
    for (char *frame; (frame = strsep(&rest, "\t")); i++) {
        if (strcmp(mode, "symbols") == 0 && rest)
            continue; /* only the outermost is a function of its own */
        size_t at = strcmp(mode, "symbols") == 0 ? 0 : i;
        assert_true(at < n);
        assert_int_equal(frames[at].inlined, rest != NULL);
        check_frame(&frames[at], frame);
    }
    assert_int_equal(n, strcmp(mode, "symbols") == 0 ? 1 : i);
    if (known)
        check_span(s, &module, address, frames, n);
    if (strcmp(mode, "full") == 0)
        check_names_only(s, &module, address, frames, n);
}

static void test_program_is_symbolized(void **state)
{
    (void)state;
    struct symbolizer *s = new_symbolizer();
    FILE *output = popen(program, "re");
    assert_non_null(output);
    char line[8192];
    size_t lines = 0;
    while (fgets(line, sizeof line, output)) {
        line[strcspn(line, "\n")] = '\0';
        check_line(s, line);
        lines++;
    }
    assert_int_equal(pclose(output), 0);
    assert_true(lines >= 6);
    assert_int_equal(warnings, strcmp(mode, "outer") == 0);
    symbolizer_free(s);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    mode = argv[1];
    program = realpath(argv[2], NULL);
    debug_root = argc > 3 && argv[3][0] ? argv[3] : NULL;
    copy = argc > 5 ? argv[4] : NULL;
    copy_id = argc > 5 ? argv[5] : NULL;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_program_is_symbolized)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
