/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/memprof-unit.XXXXXX";
static char file[64];

static void write_file(const void *data, size_t size)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, 0755), 0);
}

/* Makes the file a program for MACHINE that asks for the loader INTERPRETER; NULL: for none. */
static void write_elf(int machine, const char *interpreter)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segment;
        char name[64];
    } elf = {.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                    EV_CURRENT},
                        .e_type = ET_DYN,
                        .e_machine = (Elf64_Half)machine,
                        .e_version = EV_CURRENT,
                        .e_phoff = sizeof(Elf64_Ehdr),
                        .e_ehsize = sizeof(Elf64_Ehdr),
                        .e_phentsize = sizeof(Elf64_Phdr),
                        .e_phnum = 1}};
    elf.segment.p_type = interpreter ? PT_INTERP : PT_NOTE;
    elf.segment.p_offset = sizeof elf.header + sizeof elf.segment;
    if (interpreter) {
        snprintf(elf.name, sizeof elf.name, "%s", interpreter);
        elf.segment.p_filesz = strlen(interpreter) + 1;
    }
    write_file(&elf, sizeof elf);
}

#ifdef __x86_64__
#define NATIVE EM_X86_64
#else
#define NATIVE EM_AARCH64
#endif

static void programs_that_cannot_be_recorded_are_known(void **state)
{
    (void)state;
    struct program p;
    write_elf(NATIVE, "/lib64/ld-linux.so");
    program_examine(file, &p);
    assert_null(p.blind);
    assert_true(p.preload);
    write_elf(NATIVE, NULL);
    program_examine(file, &p);
    assert_non_null(strstr(p.blind, "statically"));
    write_elf(NATIVE, "/lib/ld-musl-any.so.1");
    program_examine(file, &p);
    assert_non_null(strstr(p.blind, "musl"));
    assert_false(p.preload);
    write_elf(EM_RISCV, "/lib/ld-linux.so");
    program_examine(file, &p);
    assert_non_null(strstr(p.blind, "processor"));
}

static void scripts_are_judged_by_their_interpreter(void **state)
{
    (void)state;
    struct program p;
    write_file("#!  /bin/sh -e\n", 15);
    program_examine(file, &p);
    assert_string_equal(p.path, "/bin/sh");
    assert_null(p.blind);
    /* One that runs itself, for ever. */
    char self[80];
    int n = snprintf(self, sizeof self, "#!%s\n", file);
    write_file(self, (size_t)n);
    program_examine(file, &p);
    assert_null(p.blind);
}

static void odd_files_are_taken_for_fine(void **state)
{
    (void)state;
    struct program p;
    static const char *const contents[] = {"", "#!", "\177ELF", "text\n"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        write_file(contents[i], strlen(contents[i]));
        program_examine(file, &p);
        assert_true(p.preload);
    }
    program_examine("/no/such/file", &p);
    assert_null(p.blind);
    program_examine(directory, &p);
    assert_null(p.blind);
}

static void programs_are_found_as_exec_finds_them(void **state)
{
    (void)state;
    char path[PATH_MAX], list[128];
    write_file("#!/bin/sh\n", 10);
    snprintf(list, sizeof list, "/no/such:%s:/bin", directory);
    setenv("PATH", list, 1);
    assert_int_equal(program_find("program", path), 0);
    assert_string_equal(path, file);
    assert_int_equal(program_find("no-such-program", path), -1);
    assert_int_equal(program_find(file, path), 0);
    assert_int_equal(program_find(directory, path), -1);
    assert_int_equal(chdir(directory), 0);
    setenv("PATH", "/no/such::", 1);
    assert_int_equal(program_find("program", path), 0);
    assert_string_equal(path, "./program");
}

static int make(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(file, sizeof file, "%s/program", directory);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_that_cannot_be_recorded_are_known),
        cmocka_unit_test(scripts_are_judged_by_their_interpreter),
        cmocka_unit_test(odd_files_are_taken_for_fine),
        cmocka_unit_test(programs_are_found_as_exec_finds_them),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
