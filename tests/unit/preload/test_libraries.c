/* SPDX-License-Identifier: MIT
 *
 * Against libraries that the test loads, before and between. The test itself stands for the
 * profiler's library.
 */
#include "libraries.h"

#include <dlfcn.h>
#include <unistd.h>

#include "objects.h"
#include "resident.h"
#include "support.h"

#define PAGE 4096

static void *load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fail_msg("%s", dlerror());
    }
    return handle;
}

static bool noted(const struct libraries *l, const void *address)
{
    for (size_t i = 0; i < l->n; i++) {
        if ((uintptr_t)address - l->of[i].start < l->of[i].end - l->of[i].start) {
            return true;
        }
    }
    return false;
}

static void what_came_between_is_noted(void **state)
{
    (void)state;
    struct libraries l;
    void *before = load(PLUGIN_A);
    libraries_begin(&l);
    assert_int_equal(l.n, 1);
    void *again = load(PLUGIN_A), *between = load(PLUGIN_B);
    libraries_end(&l);
    void *after = load(PLUGIN_C);
    assert_int_equal(l.n, 2);
    assert_true(noted(&l, (const void *)(uintptr_t)&libraries_begin));
    assert_true(noted(&l, dlsym(between, "plugin_call")));
    assert_true(noted(&l, dlsym(between, "plugin_parent_pointer")));
    assert_false(noted(&l, dlsym(before, "plugin_call")));
    assert_false(noted(&l, dlsym(after, "plugin_call")));
    assert_false(noted(&l, dlsym(RTLD_DEFAULT, "malloc")));
    dlclose(after);
    dlclose(between);
    dlclose(again);
    dlclose(before);
}

static void their_pages_are_counted(void **state)
{
    (void)state;
    if (access("/proc/self/pagemap", R_OK) != 0) {
        skip();
    }
    struct libraries l;
    libraries_begin(&l);
    int64_t alone = libraries_resident(&l);
    assert_true(alone >= PAGE);
    void *between = load(PLUGIN_B);
    libraries_end(&l);
    /* At least the page that is relocated and the one of the code that is called. */
    int (*parent)(void) = (int (*)(void))dlsym(between, "plugin_parent");
    assert_int_equal(parent(), getppid());
    const int64_t size = (int64_t)(l.of[1].end - l.of[1].start);
    assert_in_range(libraries_resident(&l) - alone, 2 * PAGE, size + PAGE);
    dlclose(between);
}

static void more_than_can_be_noted_are_left_out(void **state)
{
    (void)state;
    struct libraries l;
    libraries_begin(&l);
    l.before = 0; /* every object there is came between */
    for (int i = 0; i < LIBRARIES_MAX; i++) {
        libraries_end(&l);
    }
    assert_int_equal(l.n, LIBRARIES_MAX);
}

static void nothing_noted_is_nothing_known(void **state)
{
    (void)state;
    const struct libraries l = {0};
    assert_int_equal(libraries_resident(&l), -1);
}

int main(void)
{
    objects_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_between_is_noted),
        cmocka_unit_test(their_pages_are_counted),
        cmocka_unit_test(more_than_can_be_noted_are_left_out),
        cmocka_unit_test(nothing_noted_is_nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
