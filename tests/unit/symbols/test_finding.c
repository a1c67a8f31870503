/* SPDX-License-Identifier: MIT
 *
 *     test_finding DIRECTORY BUILD-ID
 * DIRECTORY has bin/program (stripped), bin/whole (not stripped), program.debug. Which of them is
 * used when, and what is warned about.
 */
#include "finding.h"

#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_same_build_id_is_used(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct finding_warnings w;
    assert_true(finding_look_up(&options, finding.whole, finding.build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    assert_true(finding_look_up(&options, finding.whole, NULL, &w) > 0);
    assert_int_equal(w.n, 0);
}

static void test_other_build_id_is_not_used(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct finding_warnings w;
    assert_int_equal(finding_look_up(&options, finding.whole, OTHER_ID, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, finding.whole));
    assert_non_null(strstr(w.last, finding.build_id));
    assert_non_null(strstr(w.last, OTHER_ID));
}

static void test_missing_file_is_said_once(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct finding_warnings w;
    assert_int_equal(finding_look_up(&options, "/nowhere/libx.so", NULL, &w), 0);
    assert_int_equal(w.n, 1);
    assert_string_equal(w.last, "'/nowhere/libx.so': no such file");
    assert_int_equal(finding_look_up(&options, "[vdso]", NULL, &w), 0);
    assert_int_equal(w.n, 0);
}

static void test_deleted_file_is_known_by_build_id(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct finding_warnings w;
    char path[8192];
    snprintf(path, sizeof path, "%s (deleted)", finding.whole);
    assert_true(finding_look_up(&options, path, finding.build_id, &w) > 0);
    assert_int_equal(w.n, 0);
}

static void test_relative_paths_are_below_the_directory(void **state)
{
    (void)state;
    struct symbolize_options options = {.directory = finding.directory};
    struct finding_warnings w;
    assert_true(finding_look_up(&options, "./bin/../bin/whole", finding.build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    assert_true(finding_look_up(&options, "bin/whole", finding.build_id, &w) > 0);
    /* Absolute ones are not, and without a slash it is a name. */
    assert_true(finding_look_up(&options, finding.whole, finding.build_id, &w) > 0);
    assert_int_equal(finding_look_up(&options, "whole", finding.build_id, &w), 0);
    options.directory = NULL;
    assert_int_equal(finding_look_up(&options, "./bin/whole", finding.build_id, &w), 0);
    assert_int_equal(w.n, 1);
}

static void test_newer_sources_are_said_once(void **state)
{
    (void)state;
    struct finding_warnings w = {0};
    struct symbolize_options options = {.warn = finding_note_warning, .warn_arg = &w};
    struct symbolizer *s = symbolizer_new(&options);
    struct dump_module module = {.path = finding.whole, .build_id = finding.build_id};
    struct dump_module missing = {.path = "[vdso]"};
    struct stat st;
    assert_non_null(s);
    assert_int_equal(stat(finding.whole, &st), 0);
    symbolizer_compare_age(s, &missing, "a.c", INT64_MAX);
    symbolizer_compare_age(s, &module, "a.c", 0);
    symbolizer_compare_age(s, &module, "a.c", st.st_mtime);
    assert_int_equal(w.n, 0);
    symbolizer_compare_age(s, &module, "a.c", st.st_mtime + 1);
    symbolizer_compare_age(s, &module, "b.c", st.st_mtime + 1);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "'a.c': is newer than"));
    symbolizer_free(s);
}

static void test_special_files_are_refused(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct finding_warnings w;
    char fifo[8192];
    snprintf(fifo, sizeof fifo, "%s/fifo", finding.directory);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *paths[] = {fifo, "/dev/zero", "/", "/etc/passwd", "/dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(finding_look_up(&options, paths[i], NULL, &w), 0);
        assert_int_equal(w.n, 1);
    }
}

/* The kind of compression, first in the section, becomes one that does not exist. */
static void test_unreadable_debug_information_is_said(void **state)
{
    (void)state;
    char copy[2048];
    snprintf(copy, sizeof copy, "%s/bin/unreadable", finding.directory);
    finding_run("objcopy --compress-debug-sections=zlib '%s' '%s'%s", finding.whole, copy, "");
    int fd = open(copy, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    size_t names;
    assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        assert_non_null(gelf_getshdr(s, &h));
        if (strcmp(elf_strptr(elf, names, h.sh_name), ".debug_info") == 0) {
            assert_true(h.sh_flags & SHF_COMPRESSED);
            assert_int_equal(pwrite(fd, "\x7e", 1, (off_t)h.sh_offset), 1);
        }
    }
    elf_end(elf);
    close(fd);
    struct symbolize_options options = {0};
    struct finding_warnings w;
    assert_int_equal(finding_look_up(&options, copy, finding.build_id, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "cannot be read"));
}

/* Root first: the file there is used although the module itself is another version. */
static void test_debug_root_comes_first(void **state)
{
    (void)state;
    const char *root = finding.directory;
    char path[8192];
    struct symbolize_options options = {.debug_roots = &root, .ndebug_roots = 1};
    struct finding_warnings w;
    snprintf(path, sizeof path, "/bin/whole");
    assert_true(finding_look_up(&options, path, finding.build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    /* by base name: DIRECTORY/program.debug */
    assert_true(finding_look_up(&options, "/somewhere/else/program.debug", finding.build_id, &w) >
                0);
}

/* Neither side has a build-id: the CRC decides. */
static void test_debuglink_with_wrong_crc(void **state)
{
    (void)state;
    char linked[2048], debug[2048];
    snprintf(linked, sizeof linked, "%s/bin/linked", finding.directory);
    snprintf(debug, sizeof debug, "%s/bin/linked.debug", finding.directory);
    finding_run("objcopy --remove-section=.note.gnu.build-id '%s' '%s' 2>/dev/null%s",
                finding.program, linked, "");
    finding_run("objcopy --remove-section=.note.gnu.build-id '%s' '%s' 2>/dev/null%s",
                finding.debug_file, debug, "");
    finding_run("objcopy --add-gnu-debuglink='%s' '%s'%s", debug, linked, "");
    struct symbolize_options options = {0};
    struct finding_warnings w;
    assert_true(finding_look_up(&options, linked, NULL, &w) > 0);
    assert_int_equal(w.n, 0);
    finding_run("printf x >> '%s'%s%s", debug, "", "");
    assert_int_equal(finding_look_up(&options, linked, NULL, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "CRC"));
}

int main(int argc, char **argv)
{
    if (!finding_arguments(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_build_id_is_used),
        cmocka_unit_test(test_other_build_id_is_not_used),
        cmocka_unit_test(test_missing_file_is_said_once),
        cmocka_unit_test(test_deleted_file_is_known_by_build_id),
        cmocka_unit_test(test_relative_paths_are_below_the_directory),
        cmocka_unit_test(test_newer_sources_are_said_once),
        cmocka_unit_test(test_special_files_are_refused),
        cmocka_unit_test(test_unreadable_debug_information_is_said),
        cmocka_unit_test(test_debug_root_comes_first),
        cmocka_unit_test(test_debuglink_with_wrong_crc),
    };
    return cmocka_run_group_tests(tests, finding_main, NULL);
}
