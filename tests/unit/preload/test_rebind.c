/* SPDX-License-Identifier: MIT
 *
 * Rebinds getppid, which stands for an allocation function, in a loaded library: its calls and its
 * pointer must change, and nothing else.
 */
#include "rebind.h"

#include <dlfcn.h>
#include <unistd.h>

#include "plugin.h"
#include "support.h"

static int ours(void)
{
    return -4711;
}

/* A library's view of the function. */
struct view {
    void *handle;
    int (*call)(void);
    int (**pointer)(void);
    int (**other)(void);
};

static struct view view_of(const char *path)
{
    struct view v = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    assert_non_null(v.handle);
    *(void **)&v.call = dlsym(v.handle, "plugin_parent");
    *(void **)&v.pointer = dlsym(v.handle, "plugin_parent_pointer");
    *(void **)&v.other = dlsym(v.handle, "plugin_other_pointer");
    return v;
}

static struct rebind_hook hook(void)
{
    return (struct rebind_hook){"getppid", (uintptr_t)&ours,
                                (uintptr_t)dlsym(RTLD_DEFAULT, "getppid")};
}

static void check(const char *path)
{
    struct view v = view_of(path);
    struct rebind_hook h = hook();
    assert_int_equal(v.call(), getppid());
    assert_true(rebind_modules(&h, 1, (uintptr_t)dlsym(RTLD_DEFAULT, "exit")) >= 2);
    assert_int_equal(v.call(), -4711);
    assert_int_equal((*v.pointer)(), -4711);
    assert_int_equal((*v.other)(), getpid());
    assert_int_not_equal(getppid(), -4711); /* the caller's own module is left alone */
    /* Once is enough. */
    assert_int_equal(rebind_modules(&h, 1, (uintptr_t)dlsym(RTLD_DEFAULT, "exit")), 0);
    dlclose(v.handle);
}

static void calls_and_pointers_are_changed(void **state)
{
    (void)state;
    check(PLUGIN_A);
}

static void read_only_slots_too(void **state)
{
    (void)state;
    check(PLUGIN_C);
}

static void the_allocator_itself_is_left_alone(void **state)
{
    (void)state;
    struct view v = view_of(PLUGIN_A);
    struct rebind_hook h = hook();
    rebind_modules(&h, 1, (uintptr_t)v.call); /* as if it were the library in front */
    assert_int_equal(v.call(), getppid());
    assert_int_equal((*v.pointer)(), getppid());
    dlclose(v.handle);
}

static void a_changed_pointer_is_kept(void **state)
{
    (void)state;
    struct view v = view_of(PLUGIN_A);
    struct rebind_hook h = hook();
    *v.pointer = getpid; /* the program's own doing */
    rebind_modules(&h, 1, (uintptr_t)dlsym(RTLD_DEFAULT, "exit"));
    assert_int_equal((*v.pointer)(), getpid());
    assert_int_equal(v.call(), -4711);
    dlclose(v.handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_pointers_are_changed),
        cmocka_unit_test(read_only_slots_too),
        cmocka_unit_test(the_allocator_itself_is_left_alone),
        cmocka_unit_test(a_changed_pointer_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
