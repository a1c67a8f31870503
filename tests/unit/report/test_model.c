/* SPDX-License-Identifier: MIT
 *
 * Frames to places, and which place a stack is charged to.
 */
#include "hand_model.h"
#include "model.h"
#include "source.h"
#include "test.h"

static const struct place *place(const char *function)
{
    for (size_t i = 0; i < m->nplaces; i++)
        if (strcmp(m->places[i].function, function) == 0)
            return &m->places[i];
    fail_msg("no place for %s", function);
    return NULL;
}

static const char *self_of(uint32_t frame)
{
    return m->places[m->self[frame]].function;
}

static void frames_become_places(void **state)
{
    (void)state;
    assert_int_equal(m->nplaces, 9);   /* work once, get and work2 apart */
    assert_int_equal(fake_lookups, 7); /* the same address is looked up once */
    assert_int_equal(fake_backwards, 0);
    assert_int_equal(place("get")->line, 5);
    assert_int_equal(place("handler")->line, 50); /* looked up where it was interrupted */
    assert_null(place("0x7f00")->module);
    assert_null(place("strdup+0xf")->file);
    assert_string_equal(place("strdup+0xf")->module, "/lib/libc.so.6");
    assert_int_equal(place("main")->address, MAIN_10 - 1);
    size_t n;
    struct model_ref *stack = model_stack(m, F_GET, &n);
    static const char *const expected[] = {"get", "work2", "work", "work", "main"};
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(m->places[stack[i].place].function, expected[i]);
    assert_true(stack[0].inlined && !stack[1].inlined);
    free(stack);
}

static void self_is_who_calls_the_allocator(void **state)
{
    (void)state;
    assert_string_equal(self_of(F_GET), "get");
    assert_string_equal(self_of(F_STRDUP), "strdup+0xf");
    assert_string_equal(self_of(F_NEW), "cxx"); /* not operator new */
    assert_string_equal(self_of(F_NOWHERE), "0x7f00");
}

static void root_charges_own_sources(void **state)
{
    (void)state;
    model_set_root(m, "/src/", NULL);
    assert_string_equal(self_of(F_GET), "get");
    assert_string_equal(self_of(F_STRDUP), "work");
    assert_string_equal(self_of(F_NOWHERE), "main");
    model_set_root(m, "/sr", NULL); /* not a path component */
    assert_string_equal(self_of(F_STRDUP), "strdup+0xf");
    model_set_root(m, "/src/x.cc.d", NULL);
    assert_string_equal(self_of(F_NEW), "cxx");
    model_set_root(m, NULL, NULL);
    assert_string_equal(self_of(F_STRDUP), "strdup+0xf");
}

static void root_is_compared_with_mapped_names(void **state)
{
    struct sources *sources = sources_new();
    const char *error = NULL;
    (void)state;
    assert_int_equal(sources_add_root(sources, "/src=/home/me/app", &error), 0);
    model_set_root(m, "/home/me", sources);
    assert_true(place("get")->own && place("cxx")->own);
    assert_false(place("strdup+0xf")->own);
    model_set_root(m, "/home/you", sources);
    assert_false(place("get")->own);
    model_set_root(m, "/src", sources); /* as debug information has it */
    assert_true(place("get")->own);
    sources_free(sources);
}

static void below(void **state)
{
    (void)state;
    assert_true(model_is_below("/a/b/c.c", "/a/b"));
    assert_true(model_is_below("/a/b/c.c", "/a/b//"));
    assert_true(model_is_below("/a", "/"));
    assert_false(model_is_below("/a/bc", "/a/b"));
    assert_false(model_is_below("a/b", "/a"));
}

static void globs_match_one_place(void **state)
{
    (void)state;
    bool *frames = model_matching(m, "m.c", "work*");
    assert_true(frames[F_WORK] && frames[F_GET] && frames[F_STRDUP]);
    assert_false(frames[F_MAIN] || frames[F_NEW] || frames[F_HANDLER]);
    free(frames);
    frames = model_matching(m, "get.h", "work"); /* of different places */
    for (size_t i = 0; i < hand_dump.nframes; i++)
        assert_false(frames[i]);
    free(frames);
    frames = model_matching(m, NULL, NULL);
    assert_true(frames[F_ROOT] && frames[F_NOWHERE]);
    free(frames);
    assert_true(model_place_matches(place("main"), "/src/*", NULL));
    assert_true(model_place_matches(place("main"), "src/*", NULL));
    assert_false(model_place_matches(place("main"), "rc/*", NULL));
    assert_false(model_place_matches(place("main"), "src", NULL));
    assert_true(model_place_matches(place("strdup+0xf"), "libc.so*", NULL));
}

static void stackless_sites_are_kept(void **state)
{
    struct dump_site sites[] = {SITE(F_ROOT, "malloc", 1, 5, 1), SITE(F_MAIN, "malloc", 1, 3, 1)};
    struct dump dump = hand_dump;
    (void)state;
    dump.sites = sites;
    dump.nsites = 2;
    struct model *other = model_new(&dump, symbols, NULL, NULL);
    assert_string_equal(other->places[other->self[F_ROOT]].function, "[no stack]");
    assert_string_equal(other->places[other->self[F_MAIN]].function, "main");
    size_t n;
    struct model_ref *stack = model_stack(other, F_MAIN, &n);
    assert_int_equal(n, 1);
    free(stack);
    model_free(other);
}

static void names_are_looked_up_as_far_as_wanted(void **state)
{
    (void)state;
    bool *wanted = test_calloc(hand_dump.nframes, sizeof *wanted);
    struct model *part = model_unnamed(&hand_dump, symbols);
    struct model_refs refs = model_refs(part, F_MAIN);
    fake_lookups = 0;
    assert_int_equal(refs.first, refs.end);
    model_name(part, wanted, NULL, NULL);
    assert_int_equal(fake_lookups, 0);
    assert_int_equal(part->nplaces, 0);
    wanted[F_MAIN] = true;
    model_name(part, wanted, NULL, NULL);
    assert_int_equal(fake_lookups, 1);
    assert_string_equal(part->places[part->self[F_GET]].function, "main");
    wanted[F_MAIN] = false;
    wanted[F_GET] = true;
    model_name(part, wanted, NULL, NULL); /* what was known stays so */
    refs = model_refs(part, F_MAIN);
    assert_int_equal(refs.end - refs.first, 1);
    assert_string_equal(part->places[part->self[F_GET]].function, "get");
    model_name(part, NULL, NULL, NULL);
    assert_int_equal(part->nplaces, m->nplaces);
    for (size_t i = 0; i < m->nplaces; i++)
        assert_string_equal(part->places[i].function, m->places[i].function);
    model_free(part);
    test_free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_become_places, setup, teardown),
        cmocka_unit_test_setup_teardown(self_is_who_calls_the_allocator, setup, teardown),
        cmocka_unit_test_setup_teardown(root_charges_own_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(root_is_compared_with_mapped_names, setup, teardown),
        cmocka_unit_test(below),
        cmocka_unit_test_setup_teardown(globs_match_one_place, setup, teardown),
        cmocka_unit_test_setup_teardown(stackless_sites_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_looked_up_as_far_as_wanted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
