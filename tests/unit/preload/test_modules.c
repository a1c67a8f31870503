/* SPDX-License-Identifier: MIT
 *
 * Against /proc/self/maps and readelf.
 */
#include "modules.h"

#include <ctype.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "objects.h"
#include "plugin.h"
#include "support.h"

static struct arena_pool pool;
static struct clock since;
static struct modules modules;
static char exe[4096];

static int setup(void **state)
{
    (void)state;
    objects_start();
    clock_start(&since);
    assert_non_null(realpath("/proc/self/exe", exe));
    return modules_init(&modules, &pool, &since, exe, NULL);
}

static int teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

struct mapped_part {
    uintptr_t start, end;
    uint64_t offset;
    char path[4096];
};

/* The line of /proc/self/maps that ADDRESS lies in. */
static struct mapped_part mapping_of(uintptr_t address)
{
    FILE *f = fopen("/proc/self/maps", "re");
    assert_non_null(f);
    char line[8192];
    struct mapped_part m = {0};
    bool found = false;
    while (!found && fgets(line, sizeof line, f)) {
        m.path[0] = '\0';
        sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNx64 " %*s %*s %4095s", &m.start, &m.end,
               &m.offset, m.path);
        found = address >= m.start && address < m.end;
    }
    fclose(f);
    assert_true(found);
    return m;
}

/* The build-id of a file, as readelf prints it; "" if it has none. */
static const char *build_id_of(const char *path)
{
    static char id[256];
    char command[5000], line[1024];
    snprintf(command, sizeof command, "readelf -nW '%s' 2>/dev/null", path);
    FILE *f = popen(command, "re");
    assert_non_null(f);
    id[0] = '\0';
    while (fgets(line, sizeof line, f)) {
        const char *value = strstr(line, "Build ID: ");
        if (value) {
            sscanf(value, "Build ID: %255s", id);
        }
    }
    pclose(f);
    return id;
}

static void assert_module(int32_t id, uintptr_t address)
{
    assert_true(id >= 0);
    const struct module *m = modules.by_id[id];
    struct mapped_part expected = mapping_of(address);
    char path[4096], hex[2 * MODULE_BUILD_ID_MAX + 1] = "";
    assert_int_equal(m->start, expected.start);
    assert_int_equal(m->end, expected.end);
    assert_int_equal(m->file_offset, expected.offset);
    assert_non_null(realpath(m->path, path));
    assert_string_equal(path, expected.path);
    for (size_t i = 0; i < m->build_id_size; i++) {
        snprintf(hex + 2 * i, 3, "%02x", m->build_id[i]);
    }
    assert_string_equal(hex, build_id_of(path));
    Dl_info info;
    struct link_map *map = NULL;
    assert_int_not_equal(dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP), 0);
    assert_int_equal(m->load_bias, map->l_addr);
    assert_true(m->unloaded_ns == MODULE_LOADED);
}

static void modules_are_what_is_mapped(void **state)
{
    (void)state;
    const uintptr_t addresses[] = {
        (uintptr_t)&modules_are_what_is_mapped,
        (uintptr_t)dlsym(RTLD_DEFAULT, "strtod"),
        (uintptr_t)dlsym(RTLD_DEFAULT, "__tls_get_addr"),
        (uintptr_t)dlsym(RTLD_DEFAULT, "cmocka_set_message_output"),
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int32_t id = modules_find(&modules, addresses[i]);
        assert_module(id, addresses[i]);
        struct mapped_part m = mapping_of(addresses[i]);
        assert_int_equal(modules_find(&modules, m.start), id);
        assert_int_equal(modules_find(&modules, m.end - 1), id);
        assert_int_equal(id, i); /* ids are dense */
    }
    assert_string_equal(modules.by_id[0]->path, exe);
    assert_int_equal(modules.count, 4);
}

static void what_is_no_module(void **state)
{
    (void)state;
    int local = 0;
    assert_int_equal(modules_find(&modules, (uintptr_t)&local), -1);
    assert_int_equal(modules_find(&modules, 0), -1);
    assert_int_equal(modules_find(&modules, UINTPTR_MAX), -1);
    assert_int_equal(modules.count, 0);
}

/* Loads PATH and returns where its plugin_call is. */
static uintptr_t load(const char *path, void **handle)
{
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) {
        fail_msg("%s", dlerror());
    }
    return (uintptr_t)dlsym(*handle, "plugin_call");
}

static void an_unloaded_module_is_kept(void **state)
{
    (void)state;
    void *handle;
    uintptr_t first = load(PLUGIN_A, &handle);
    int32_t a = modules_find(&modules, first);
    assert_module(a, first);
    uint64_t loaded = modules.by_id[a]->loaded_ns;
    assert_true(loaded <= clock_elapsed_ns(&since));
    dlclose(handle);
    modules_refresh(&modules);
    assert_true(modules.by_id[a]->unloaded_ns == MODULE_LOADED); /* nobody said so */
    modules_changed(&modules);
    modules_refresh(&modules);
    assert_in_range(modules.by_id[a]->unloaded_ns, loaded, clock_elapsed_ns(&since));
    assert_string_equal(modules.by_id[a]->path, PLUGIN_A);
    assert_int_equal(modules_find(&modules, first), -1);
}

static void another_at_the_same_place_is_another(void **state)
{
    (void)state;
    void *handle;
    uintptr_t first = load(PLUGIN_A, &handle);
    int32_t a = modules_find(&modules, first);
    dlclose(handle);
    uintptr_t second = load(PLUGIN_B, &handle);
    modules_changed(&modules);
    int32_t b = modules_find(&modules, second);
    assert_module(b, second);
    assert_int_not_equal(a, b);
    assert_true(modules.by_id[a]->unloaded_ns != MODULE_LOADED);
    assert_true(modules.by_id[b]->unloaded_ns == MODULE_LOADED);
    dlclose(handle);
    if (first != second) {
        print_message("the loader chose another place\n");
    }
}

static void a_module_that_comes_back_is_the_same(void **state)
{
    (void)state;
    int32_t id = -1;
    uintptr_t first = 0;
    for (int i = 0; i < 20; i++) {
        void *handle;
        uintptr_t address = load(PLUGIN_A, &handle);
        int32_t now = modules_find(&modules, address);
        assert_module(now, address);
        assert_true(id < 0 || address != first || now == id);
        id = now;
        first = address;
        dlclose(handle);
        modules_changed(&modules);
        modules_refresh(&modules);
        assert_true(modules.by_id[id]->unloaded_ns != MODULE_LOADED);
    }
}

static void what_stays_stays(void **state)
{
    (void)state;
    int32_t own = modules_find(&modules, (uintptr_t)&what_stays_stays);
    for (int i = 0; i < 100; i++) {
        modules_changed(&modules);
        assert_int_equal(modules_find(&modules, (uintptr_t)&what_stays_stays), own);
    }
    assert_int_equal(modules.count, 1);
    assert_int_equal(modules_generation(&modules), 100);
}

int main(void)
{
#define WITH_MODULES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_MODULES(modules_are_what_is_mapped),
        WITH_MODULES(what_is_no_module),
        WITH_MODULES(an_unloaded_module_is_kept),
        WITH_MODULES(another_at_the_same_place_is_another),
        WITH_MODULES(a_module_that_comes_back_is_the_same),
        WITH_MODULES(what_stays_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
