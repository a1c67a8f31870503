/* SPDX-License-Identifier: MIT
 *
 * Whole functions, with blanks; context; the guess of the project's root. Sources are written to
 * the working directory and found there by --source-root.
 */
#include "hand_made.h"
#include "listing.h"
#include "root.h"
#include "source.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "listing.src"

static struct symbolizer *symbols;
static struct model *m;
static struct sources *sources;

/* COUNT lines, each saying its number. */
static void write_source(const char *name, unsigned count)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    for (unsigned i = 1; i <= count; i++)
        fprintf(f, "line %u\n", i);
    fclose(f);
}

static int setup(void **state)
{
    const char *error = NULL;
    char spec[4200], cwd[4096];
    (void)state;
    mkdir(DIRECTORY, 0755);
    write_source(DIRECTORY "/m.c", 40);
    write_source(DIRECTORY "/get.h", 6);
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(spec, sizeof spec, "/src=%s/%s", cwd, DIRECTORY);
    symbols = fake_symbolizer();
    m = model_new(&hand_dump, symbols, NULL, NULL);
    sources = sources_new();
    return sources_add_root(sources, spec, &error);
}

static int teardown(void **state)
{
    (void)state;
    model_free(m);
    symbolizer_free(symbols);
    sources_free(sources);
    unlink(DIRECTORY "/m.c");
    unlink(DIRECTORY "/get.h");
    return rmdir(DIRECTORY);
}

static struct lines all_lines(void)
{
    struct lines_options options = {.by_function = false};
    return lines_new(m, &options);
}

static const struct listing_file *file(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->n; i++)
        if (strcmp(listing->files[i].name, name) == 0)
            return &listing->files[i];
    fail_msg("%s is not listed", name);
    return NULL;
}

static void whole_functions(void **state)
{
    /* main 8-12, work 18-22, work2 28-32, handler (span unknown) 50, beyond the file's end. */
    static const uint32_t expected[] = {8,  9, 10, 11, 12, 0,  18, 19, 20, 21,
                                        22, 0, 28, 29, 30, 31, 32, 0,  50};
    struct lines l = all_lines();
    struct listing listing = listing_new(&l, sources, LISTING_WHOLE);
    const struct listing_file *f = file(&listing, "/src/m.c");
    (void)state;
    assert_int_equal(f->n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < f->n; i++) {
        uint32_t line = expected[i];
        char text[16];
        assert_int_equal(f->rows[i].line, line);
        assert_true((f->rows[i].row != NULL) ==
                    (line == 10 || line == 20 || line == 30 || line == 50));
        snprintf(text, sizeof text, "line %u", line);
        if (line > 0 && line <= 40)
            assert_string_equal(f->rows[i].text, text);
        else
            assert_null(f->rows[i].text);
    }
    assert_int_equal(f->rows[2].row->figures.c.alloc_count, 12);
    assert_int_equal(listing.nunlined, 3);
    assert_string_equal(m->places[listing.unlined[0].row->place].function,
                        "operator new(unsigned long)+0x18");
    listing_free(&listing);
    lines_free(&l);
}

static void context_and_order(void **state)
{
    static const uint32_t expected[] = {8, 9, 10, 11, 0, 18, 19, 20, 21, 0, 28, 29, 30, 31, 0, 50};
    struct lines l = all_lines();
    struct listing listing = listing_new(&l, sources, 1);
    const struct listing_file *f = file(&listing, "/src/m.c");
    (void)state;
    assert_int_equal(f->n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < f->n; i++)
        assert_int_equal(f->rows[i].line, expected[i]);
    /* What allocates itself comes first. */
    assert_string_equal(listing.files[0].name, "/src/get.h");
    assert_string_equal(listing.files[1].name, "/src/x.cc");
    assert_int_equal(listing.files[1].n, 1); /* no source: only the line */
    assert_null(listing.files[1].rows[0].text);
    listing_free(&listing);
    lines_free(&l);
}

/* Code is known up to line 12 of main, but its text goes on. */
static void functions_end_with_their_braces(void **state)
{
    static const uint32_t expected[] = {8, 9, 10, 11, 12, 13, 14, 0, 18};
    FILE *f = fopen(DIRECTORY "/m.c", "w");
    (void)state;
    assert_non_null(f);
    for (unsigned i = 1; i <= 40; i++)
        fputs(i == 9 ? "{\n" : i == 12 ? "  '}';\n" : i == 14 ? "}\n" : "\n", f);
    fclose(f);
    struct lines l = all_lines();
    struct listing listing = listing_new(&l, sources, LISTING_WHOLE);
    const struct listing_file *file_m = file(&listing, "/src/m.c");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(file_m->rows[i].line, expected[i]);
    listing_free(&listing);
    listing = listing_new(&l, sources, 1); /* the head is shown nevertheless */
    assert_int_equal(file(&listing, "/src/m.c")->rows[0].line, 8);
    listing_free(&listing);
    lines_free(&l);
}

static void texts_are_read(void **state)
{
    struct lines l = all_lines();
    (void)state;
    lines_sort_by_source(&l);
    listing_read_sources(&l, sources);
    assert_string_equal(l.rows[0].text, "line 5");
    assert_null(l.rows[l.n - 1].text);
    lines_free(&l);
}

static void root_is_guessed(void **state)
{
    (void)state;
    hand_dump.process.exe = "prog";
    char *root = root_guess(m, sources);
    assert_string_equal(root, "/src");
    free(root);
    hand_dump.process.exe = "other";
    assert_null(root_guess(m, sources));
    hand_dump.process.exe = "prog";
    struct sources *none = sources_new();
    assert_null(root_guess(m, none)); /* nothing is on disk */
    sources_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_functions, setup, teardown),
        cmocka_unit_test_setup_teardown(context_and_order, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_end_with_their_braces, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(root_is_guessed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
