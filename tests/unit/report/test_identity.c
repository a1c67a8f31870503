/* SPDX-License-Identifier: MIT
 *
 * What of a stack is its identity, and what is not.
 */
#include "function_name.h"
#include "hand_made.h"
#include "identity_text.h"
#include "model.h"

static struct identities *t;

static int setup(void **state)
{
    (void)state;
    t = identities_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identities_free(t);
    return 0;
}

static void equal_stacks_are_one_node(void **state)
{
    (void)state;
    uint32_t a = stack_of(t, "main+2 work+3");
    assert_int_equal(a, stack_of(t, "main+2 work+3"));
    assert_int_not_equal(a, stack_of(t, "main+2 work+4"));
    assert_int_not_equal(a, stack_of(t, "main+2 lib.so:work+3"));
    assert_string_equal(text_of(t, a), "main+2 work+3");
    assert_int_equal(identities_node_at(t, a)->depth, 2);
}

static void stacks_of_the_same_calls_share_a_node(void **state)
{
    (void)state;
    uint32_t a = stack_of(t, "main+2 work+3"), b = stack_of(t, "main+5 work+-4"),
             plain = stack_of(t, "main work");
    assert_int_equal(identities_node_at(t, a)->calls, plain);
    assert_int_equal(identities_node_at(t, b)->calls, plain);
    assert_int_equal(identities_node_at(t, plain)->calls, plain);
    assert_int_not_equal(identities_node_at(t, stack_of(t, "main+2 walk+3"))->calls, plain);
}

static void order_is_by_calls_then_lines(void **state)
{
    (void)state;
    static const char *const sorted[] = {"a+9",         "a+1 b+1",      "a+1 b+2",     "a+2 b+1",
                                         "a+1 b+1 c+1", "a+1 lib.so:?", "lib.so:a z+3"};
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < 7; k++) {
            int order = identities_compare(t, stack_of(t, sorted[i]), stack_of(t, sorted[k]));
            /* A module sorts after the program's own, "prog" after "lib.so". */
            if (i < 5 && k < 5)
                assert_int_equal((order > 0) - (order < 0), i < k ? -1 : i > k);
            assert_true((order == 0) == (i == k));
        }
}

static const char *of_frame(struct model *m, uint32_t frame)
{
    bool *wanted = calloc(m->dump->nframes, sizeof *wanted);
    wanted[frame] = true;
    uint32_t *nodes = identities_of_model(t, m, wanted);
    uint32_t node = nodes[frame];
    for (size_t f = 0; f < m->dump->nframes; f++)
        assert_true(f == frame || nodes[f] == IDENTITY_ROOT);
    free(nodes);
    free(wanted);
    return text_of(t, node);
}

static void stacks_of_a_model(void **state)
{
    (void)state;
    struct symbolizer *symbols = fake_symbolizer();
    struct model *m = model_new(&hand_dump, symbols, NULL, NULL);
    /* Inlined functions are frames; that of which no declaration is known has no line. */
    assert_string_equal(of_frame(m, F_GET), "main+2 work+2 work+2 work2+2 get");
    assert_string_equal(of_frame(m, F_STRDUP), "main+2 work+2 libc:?");
    assert_string_equal(of_frame(m, F_NEW), "main+2 cxx");
    assert_string_equal(of_frame(m, F_NOWHERE), "main+2 -:?");
    assert_string_equal(of_frame(m, F_MAIN), "main+2");
    model_free(m);
    symbolizer_free(symbols);
}

static void names_without_what_compilers_add(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"parse", "parse"},
        {"parse+0x1c", "parse"},
        {"parse.constprop.0", "parse"},
        {"parse.isra.0.cold", "parse"},
        {"parse.part.12", "parse"},
        {"parse.lto_priv.3", "parse"},
        {"helper.1234", "helper"},
        {"main.mallocgc", "main.mallocgc"},
        {"a.part.b", "a.part.b"},
        {"void ns::make<int>(char const*) [clone .isra.0]", "ns::make"},
        {"ns::table::put(int) const", "ns::table::put"},
        {"(anonymous namespace)::go(int)", "(anonymous namespace)::go"},
        {"run()::{lambda(int)#2}::operator()(int) const", "run::{lambda}::operator()"},
        {"run()::$_3::operator()(int) const", "run::{lambda}::operator()"},
        {"operator delete[](void*)", "operator delete[]"},
        {"[no stack]", "[no stack]"},
        {".hidden", ".hidden"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *plain = function_name_plain(names[i][0]);
        assert_string_equal(plain, names[i][1]);
        free(plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_stacks_are_one_node, setup, teardown),
        cmocka_unit_test_setup_teardown(stacks_of_the_same_calls_share_a_node, setup, teardown),
        cmocka_unit_test_setup_teardown(order_is_by_calls_then_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(stacks_of_a_model, setup, teardown),
        cmocka_unit_test(names_without_what_compilers_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
