/* SPDX-License-Identifier: MIT
 *
 * What a program scribbled over is found to be damaged, or does no harm; what is no vault is known.
 */
#include <stdio.h>
#include <unistd.h>

#include "killing.h"
#include "support.h"

static void close_it(struct recorder *r, int step)
{
    vault_set_state(&r->vault, step == 0 ? VAULT_CLOSED : VAULT_SPILT);
}

static void other_layout(struct recorder *r, int step)
{
    (void)step;
    r->vault.header->layout++;
}

static void what_needs_no_dump_gets_none(void **state)
{
    (void)state;
    assert_int_equal(killing_salvage(killing_at(close_it, 0)), SALVAGE_NOTHING);
    assert_int_equal(killing_salvage(killing_at(close_it, 1)), SALVAGE_SPILT);
    assert_int_equal(killing_salvage(killing_at(other_layout, 0)), SALVAGE_OTHER);
    assert_int_equal(access(killing_out, F_OK), -1);
}

/* Words anywhere in use are replaced by what may lead anywhere. */
static void scribble(struct recorder *r, int step)
{
    static const uint64_t bad[] = {0, 1, UINT64_MAX, UINT64_C(1) << 47, 0x7fffffff};
    uint64_t seed = (uint64_t)step + 1;
    struct vault *v = &r->vault;
    for (int i = 0; i < 40; i++) {
        const bool section = support_below(&seed, 3) == 0;
        const size_t size =
            section ? v->section_size : (size_t)(v->next - v->extent[v->extents - 1].start);
        uint64_t *words = section ? v->section : (void *)v->extent[v->extents - 1].start;
        const size_t at = support_below(&seed, size / 8);
        /* A hundred times more often where there is something. */
        if (words[at] != 0 || support_below(&seed, 100) == 0) {
            words[at] = support_below(&seed, 3) == 0
                            ? words[at] ^ (uint64_t)1 << support_below(&seed, 64)
                            : bad[support_below(&seed, sizeof bad / sizeof bad[0])];
        } else {
            i -= support_below(&seed, 100) != 0;
        }
    }
}

static void damage_does_no_harm(void **state)
{
    (void)state;
    int found = 0;
    for (int seed = 0; seed < 150; seed++) {
        int result = killing_salvage(killing_at(scribble, seed));
        assert_in_range(result, SALVAGE_DONE, SALVAGE_OTHER);
        found += result == SALVAGE_DAMAGED || result == SALVAGE_OTHER;
    }
    assert_in_range(found, 20, 149);
}

static void a_file_of_anything_is_no_vault(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(killing_salvage(dup(fileno(file))), SALVAGE_DAMAGED);
    assert_int_equal(ftruncate(fileno(file), 1 << 20), 0);
    assert_int_equal(killing_salvage(dup(fileno(file))), SALVAGE_OTHER);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_needs_no_dump_gets_none, killing_setup,
                                        killing_teardown),
        cmocka_unit_test_setup_teardown(damage_does_no_harm, killing_setup, killing_teardown),
        cmocka_unit_test_setup_teardown(a_file_of_anything_is_no_vault, killing_setup,
                                        killing_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
