/* SPDX-License-Identifier: MIT
 *
 * Frames at one place are one code, and codes are looked up module by module, in order.
 */
#include "codes.h"
#include "test.h"

#include <stdlib.h>

enum { MODULES = 3, ADDRESSES = 5000, TIMES = 3, FRAMES = 1 + MODULES * ADDRESSES * TIMES };

static void many(void **state)
{
    static struct dump_module modules[MODULES] = {
        {.path = "a", .start = 0x1000, .end = 0x100000},
        {.path = "b", .start = 0x7f001000, .end = 0x7f100000, .load_bias = 0x7f000000},
        {.path = "c", .start = 0x1000, .end = 0x100000, .file_offset = 0x800},
    };
    static struct dump_frame frames[FRAMES] = {{0, -1, 0, false}};
    static bool seen[MODULES][ADDRESSES];
    struct dump dump = {
        .modules = modules, .nmodules = MODULES, .frames = frames, .nframes = FRAMES};
    (void)state;
    for (uint32_t i = 1; i < FRAMES; i++)
        frames[i] = (struct dump_frame){i - 1, (int32_t)(i * 7 % MODULES),
                                        0x1000 + i * 2617 / 7 % ADDRESSES * 16, false};
    struct codes c = codes_new(&dump);
    size_t n, distinct = 0;
    assert_int_equal(c.of[0], CODES_ROOT);
    for (uint32_t i = 1; i < FRAMES; i++) {
        const struct code *code = &c.code[c.of[i]];
        bool *known = &seen[frames[i].module][(frames[i].offset - 0x1000) / 16];
        assert_int_equal(code->module, frames[i].module);
        assert_int_equal(code->address,
                         frames[i].offset + (frames[i].module == 2 ? 0x800 : 0x1000) - 1);
        assert_true(*known == (code->frame < i));
        distinct += !*known;
        *known = true;
    }
    assert_true(distinct > ADDRESSES);
    assert_int_equal(c.n, distinct + 1);
    uint32_t *order = codes_sorted(&c, &n);
    assert_int_equal(n, distinct);
    for (size_t i = 1; i < n; i++) {
        const struct code *x = &c.code[order[i - 1]], *y = &c.code[order[i]];
        assert_true(x->module < y->module || (x->module == y->module && x->address < y->address));
    }
    free(order);
    codes_free(&c);
}

static void odd(void **state)
{
    static struct dump_module modules[] = {{.path = "a", .start = 0x1000, .end = 0x2000}};
    /* The root, an address twice, interrupted there, which is where another call returns to, and
     * what has no module. */
    static struct dump_frame frames[] = {
        {0, -1, 0, false},   {0, 0, 0x10, false}, {1, 0, 0x10, false}, {2, 0, 0x10, true},
        {3, 0, 0x11, false}, {0, -1, 0, false},   {0, -2, 0, false}};
    struct dump dump = {.modules = modules,
                        .nmodules = 1,
                        .frames = frames,
                        .nframes = sizeof frames / sizeof *frames};
    struct codes c = codes_new(&dump);
    size_t n;
    (void)state;
    assert_int_equal(c.n, 5);
    assert_int_equal(c.of[1], c.of[2]);
    assert_int_equal(c.of[3], c.of[4]);
    assert_int_equal(c.code[c.of[3]].address, 0x1010);
    assert_int_not_equal(c.of[1], c.of[3]);
    assert_int_not_equal(c.of[5], CODES_ROOT);
    assert_int_not_equal(c.of[5], c.of[6]);
    free(codes_sorted(&c, &n));
    assert_int_equal(n, 2);
    codes_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many),
        cmocka_unit_test(odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
