/* SPDX-License-Identifier: MIT
 *
 * Here no hook is in front, so the next definition is the one that everybody calls.
 */
#include "real.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static void all_are_resolved(void **state)
{
    (void)state;
    assert_true(real_ready());
    assert_false(real_resolving());
    static const struct {
        const char *name;
        void *const *address;
        int needed;
    } functions[] = {
#define ALLOC(name, type, parameters, needed) {#name, (void *const *)&real.name, needed},
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        assert_ptr_equal(*functions[i].address, dlsym(RTLD_DEFAULT, functions[i].name));
        assert_true(*functions[i].address || !functions[i].needed);
    }
}

static void they_work(void **state)
{
    (void)state;
    assert_true(real_ready());
    char *p = real.malloc(100);
    memset(p, 1, 100);
    p = real.realloc(p, 200);
    assert_int_equal(p[99], 1);
    real.free(p);
    p = real.calloc(10, 10);
    assert_int_equal(p[99], 0);
    real.free(p);
    void *aligned = NULL;
    assert_int_equal(real.posix_memalign(&aligned, 256, 100), 0);
    assert_int_equal((uintptr_t)aligned % 256, 0);
    assert_true(real.malloc_usable_size(aligned) >= 100);
    real.free(aligned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_resolved),
        cmocka_unit_test(they_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
