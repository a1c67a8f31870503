/* SPDX-License-Identifier: MIT
 *
 * Whether two sides are of the same build, by the modules of their dumps, and what that decides.
 */
#include "compare_parts.h"
#include "identity_text.h"
#include "model.h"

/* "app=1 libc.so=2": modules and their build-ids; "=" alone: the id is not known. NULL: a baseline,
 * "": a dump without modules. */
static void put(struct stackset *s, const char *stack, const char *modules, struct model *model,
                struct dump *dump, struct dump_module *list, char *text)
{
    const struct figures f = {.c = {.live_count = 1, .live_bytes = 8}};
    stackset_put(s, stack_of(s->identities, stack), &f);
    if (!modules)
        return;
    *dump = (struct dump){.modules = list};
    strcpy(text, modules);
    for (char *word; (word = strsep(&text, " "));) {
        char *id = strchr(word, '=');
        if (!id)
            continue;
        *id++ = '\0';
        list[dump->nmodules++] = (struct dump_module){.path = word, .build_id = *id ? id : NULL};
    }
    model->dump = dump;
    s->entries[s->n - 1].model = model;
}

/* Whether a stack is taken for one of the same function at another line. */
static bool moves(const char *old_modules, const char *new_modules)
{
    struct identities *t = identities_new();
    struct stackset *old = stackset_new("old", t), *new = stackset_new("new", t);
    struct model models[2];
    struct dump dumps[2];
    struct dump_module lists[2][8];
    char texts[2][256];
    memset(models, 0, sizeof models);
    put(old, "main+1", old_modules, &models[0], &dumps[0], lists[0], texts[0]);
    put(new, "main+2", new_modules, &models[1], &dumps[1], lists[1], texts[1]);
    stackset_sort(old);
    stackset_sort(new);
    struct comparison c = compare(old, new);
    bool moved = c.n == 1 && c.rows[0].match == COMPARE_MOVED;
    assert_true(moved || c.n == 2);
    assert_int_equal(moved, !compare_same_build(old, new));
    comparison_free(&c);
    stackset_free(old);
    stackset_free(new);
    identities_free(t);
    return moved;
}

static void in_the_same_build_no_line_moves(void **state)
{
    (void)state;
    assert_false(moves("/x/app=1 /lib/libc.so=2", "/x/app=1 /lib/libc.so=2"));
    assert_false(moves("/lib/libc.so=2 /x/app=1", "/y/app=1 /lib/libc.so=2"));
    assert_false(moves("app=1 app=1", "app=1")); /* loaded twice */
    /* What only one of the runs has loaded. */
    assert_false(moves("app=1", "app=1 plugin.so=3"));
    assert_false(moves("app=1 plugin.so=", "app=1"));
}

static void in_another_build_it_may(void **state)
{
    (void)state;
    assert_true(moves("app=1 libc.so=2", "app=9 libc.so=2"));
    assert_true(moves("app=1 libc.so=2", "app=1 libc.so=9"));
    assert_true(moves("app= libc.so=2", "app= libc.so=2"));
    assert_true(moves("app=1", "app="));
    assert_true(moves("plugin.so=1 plugin.so=2", "plugin.so=1"));
    /* A program that was renamed. */
    assert_true(moves("app=1 libc.so=2", "other=1 libc.so=2"));
    assert_true(moves("", ""));
    assert_true(moves("app=1", ""));
}

static void of_baselines_it_is_not_known(void **state)
{
    (void)state;
    assert_true(moves(NULL, "app=1"));
    assert_true(moves("app=1", NULL));
    assert_true(moves(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_same_build_no_line_moves),
        cmocka_unit_test(in_another_build_it_may),
        cmocka_unit_test(of_baselines_it_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
