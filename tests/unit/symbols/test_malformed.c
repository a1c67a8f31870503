/* SPDX-License-Identifier: MIT
 *
 *     test_malformed PROGRAM SCRATCH
 * Breaks copies of PROGRAM in many ways, always the same, and looks addresses up in them. Any
 * answer will do, but there must be one, soon, and without a crash.
 */
#include "dump.h"
#include "symbolize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gelf.h>

#define ROUNDS 300
#define ADDRESSES 64
/* For all rounds together, sanitizers included; a hang takes for ever. */
#define MAX_SECONDS 240

static const char *program, *scratch;
static unsigned char *original;
static size_t original_size;
static uint64_t code_start, code_size;

/* The part of the file that debug information is in, where damage is worth most. */
static size_t debug_start, debug_end;

static uint64_t seed;

static uint64_t next_random(void)
{
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int read_program(void **state)
{
    (void)state;
    FILE *f = fopen(program, "rbe");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    original_size = (size_t)ftell(f);
    rewind(f);
    original = malloc(original_size);
    assert_non_null(original);
    assert_int_equal(fread(original, 1, original_size, f), original_size);
    fclose(f);
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)original, original_size);
    assert_non_null(elf);
    size_t names;
    assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
    debug_start = original_size;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        assert_non_null(gelf_getshdr(s, &h));
        const char *name = elf_strptr(elf, names, h.sh_name);
        if (strcmp(name, ".text") == 0) {
            code_start = h.sh_addr;
            code_size = h.sh_size;
        } else if (strncmp(name, ".debug_", 7) == 0) {
            debug_start = h.sh_offset < debug_start ? h.sh_offset : debug_start;
            debug_end = h.sh_offset + h.sh_size > debug_end ? h.sh_offset + h.sh_size : debug_end;
        }
    }
    elf_end(elf);
    assert_true(code_size > 0 && debug_end > debug_start);
    alarm(MAX_SECONDS);
    return 0;
}

static int free_program(void **state)
{
    (void)state;
    free(original);
    return 0;
}

static void write_scratch(const unsigned char *bytes, size_t size)
{
    FILE *f = fopen(scratch, "wbe");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Returns how many answers had a line. */
static size_t look_up(void)
{
    struct symbolize_options options = {.demangle = true};
    struct symbolizer *s = symbolizer_new(&options);
    assert_non_null(s);
    struct dump_module module = {.path = scratch};
    size_t lines = 0;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint64_t address = code_start + code_size * i / ADDRESSES;
        const struct symbol *frames;
        size_t n = symbolizer_lookup(s, &module, address, &frames);
        assert_true(n >= 1);
        for (size_t k = 0; k < n; k++) {
            struct function_span span;
            assert_non_null(frames[k].function);
            assert_true(frames[k].line == 0 || frames[k].file);
            assert_int_equal(frames[k].inlined, k + 1 < n);
            lines += frames[k].line > 0;
            if (symbolizer_frame_span(s, &module, address, k, &span))
                assert_true(span.first <= span.last);
        }
    }
    symbolizer_free(s);
    return lines;
}

static void test_whole_file_has_lines(void **state)
{
    (void)state;
    write_scratch(original, original_size);
    assert_true(look_up() > ADDRESSES / 2);
}

static void test_truncated(void **state)
{
    (void)state;
    seed = 1;
    for (int round = 0; round < ROUNDS / 3; round++) {
        write_scratch(original, next_random() % original_size);
        look_up();
    }
}

/* A few bits anywhere, or many in the debug information. */
static void flip(unsigned char *bytes, bool debug)
{
    size_t low = debug ? debug_start : 0, high = debug ? debug_end : original_size;
    for (uint64_t n = 1 + next_random() % (debug ? 64 : 8); n > 0; n--)
        bytes[low + next_random() % (high - low)] ^= (unsigned char)(1u << next_random() % 8);
}

static void flip_rounds(bool debug)
{
    unsigned char *bytes = malloc(original_size);
    assert_non_null(bytes);
    for (int round = 0; round < ROUNDS / 3; round++) {
        memcpy(bytes, original, original_size);
        flip(bytes, debug);
        write_scratch(bytes, original_size);
        look_up();
    }
    free(bytes);
}

static void test_flipped_anywhere(void **state)
{
    (void)state;
    seed = 2;
    flip_rounds(false);
}

static void test_flipped_debug_information(void **state)
{
    (void)state;
    seed = 3;
    flip_rounds(true);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    program = argv[1];
    scratch = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file_has_lines),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped_anywhere),
        cmocka_unit_test(test_flipped_debug_information),
    };
    return cmocka_run_group_tests(tests, read_program, free_program);
}
