/* SPDX-License-Identifier: MIT
 *
 * Rules that are read from .eh_frame without libunwind against those that libunwind derives: at
 * the beginning of each function of all loaded objects and at random places in it, and where
 * tables are damaged.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch.h"
#include "objects.h"
#include "plugin.h"
#include "support.h"
#include "unwinder.h"

static struct unwinder *unwinder;

static void *map(size_t size)
{
    return calloc(1, size);
}

static int setup(void **state)
{
    (void)state;
    const char *why;
    objects_start();
    unwinder = unwinder_load(map, &why);
    const char *more = getenv("MEMPROF_TEST_OBJECTS"); /* by hand: others, separated by spaces */
    char *list = more ? strdup(more) : NULL;
    for (char *path = list ? strtok(list, " ") : NULL; path; path = strtok(NULL, " ")) {
        assert_non_null(dlopen(path, RTLD_LAZY | RTLD_LOCAL));
    }
    free(list);
    return unwinder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(unwinder);
    return 0;
}

struct counts {
    uint64_t seed;
    size_t compared, read, limit; /* `limit`: places in one object */
};

static void compare(struct counts *c, uintptr_t ip)
{
    for (int after_call = 0; after_call <= 1; after_call++) {
        struct rule rule;
        c->compared++;
        if (unwinder_read(ip, after_call, &rule)) {
            const struct rule expected = unwinder_derive(unwinder, ip, after_call);
            if (rule.bits != expected.bits) {
                fail_msg("%#lx, after a call: %d", (unsigned long)ip, after_call);
            }
            c->read++;
        }
    }
}

/* The functions that the sorted table of an object's .eh_frame_hdr tells. */
static void compare_object(struct counts *c, const uint8_t *header)
{
    uint32_t entries;
    int32_t begins, ends;
    memcpy(&entries, header + 8, sizeof entries);
    for (uint32_t i = 0; i + 1 < entries; i++) {
        if (support_below(&c->seed, entries) >= c->limit) {
            continue;
        }
        memcpy(&begins, header + 12 + (size_t)i * 8, sizeof begins);
        memcpy(&ends, header + 20 + (size_t)i * 8, sizeof ends);
        const uintptr_t start = (uintptr_t)header + (uintptr_t)(intptr_t)begins;
        const uintptr_t size = (uintptr_t)(intptr_t)ends - (uintptr_t)(intptr_t)begins;
        compare(c, start);
        for (int n = 0; n < 3; n++) {
            const uintptr_t early = support_below(&c->seed, size < 16 ? size : 16);
            compare(c, start + (n == 0 ? early : support_below(&c->seed, size)));
        }
    }
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        const uint8_t *header = (const uint8_t *)start;
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME && header[3] == 0x3b) {
            compare_object(arg, header);
        }
    }
    return 0;
}

static void it_is_what_libunwind_derives(void **state)
{
    (void)state;
    struct counts c = {.seed = 31, .limit = getenv("MEMPROF_TEST_OBJECTS") ? 100000 : 700};
    dl_iterate_phdr(visit, &c);
    print_message("%zu of %zu places\n", c.read, c.compared);
    assert_true(c.compared > 4000);
    /* All but what is between functions; none on other processors. */
    assert_true(ARCH_RETURN_BELOW_CFA ? c.read > c.compared / 4 * 3 : c.read == 0);
}

/* Directives of all kinds that are read, and of some that are not. */
__asm__(".text\n.type odd, @function\nodd:\n.cfi_startproc\n"
        "nop\n.cfi_remember_state\n.cfi_adjust_cfa_offset 8\n"
        "nop\n.cfi_remember_state\n.cfi_def_cfa_offset 4096\n"
        "nop\n.cfi_restore_state\n"
        "nop\n.cfi_restore_state\n"
        ".skip 300, 0x90\n"
#if defined(__x86_64__)
        ".cfi_offset 6, -16\n.cfi_offset 3, -24\n"
        "nop\n.cfi_same_value 12\n.cfi_def_cfa_register 6\n"
        ".skip 70000, 0x90\n.cfi_restore 6\n"
        "nop\n.cfi_undefined 13\n"
        "nop\n.cfi_undefined 6\n"
        "nop\n.cfi_same_value 6\n"
        "nop\n.cfi_def_cfa 3, 8\n"
        "nop\n.cfi_def_cfa 7, 40\n"
        "nop\n.cfi_offset 16, -32\n"
        "nop\n.cfi_undefined 16\n"
#endif
        "nop\n.cfi_endproc\n.size odd, . - odd\n");
extern const char odd[];

static void directives_of_all_kinds(void **state)
{
    (void)state;
    struct counts c = {0};
    for (uintptr_t at = 0; at < 71000; at += at < 400 || at > 70300 ? 1 : 50) {
        struct object object;
        if (!object_find((uintptr_t)odd + at, &object)) {
            break;
        }
        compare(&c, (uintptr_t)odd + at);
    }
    assert_true(c.compared > 1000);
    assert_int_equal(c.read > 1000, ARCH_RETURN_BELOW_CFA);
}

static void nowhere_is_left_to_libunwind(void **state)
{
    (void)state;
    int local;
    const uintptr_t nowhere[] = {0, 1, 4096, UINTPTR_MAX, (uintptr_t)&local, (uintptr_t)1 << 63};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        struct rule rule;
        assert_false(unwinder_read(nowhere[i], true, &rule));
        assert_false(unwinder_read(nowhere[i], false, &rule));
    }
}

static bool read_plugin(uintptr_t from, struct rule rule[64])
{
    bool all = true;
    for (uintptr_t i = 0; i < 64; i++) {
        all = unwinder_read(from + i / 4, i % 2, &rule[i]) && all;
    }
    return all;
}

/* Whatever a table says, reading it ends, within the object; and it is read anew each time. */
static void damaged_tables_do_no_harm(void **state)
{
    (void)state;
    enum { DAMAGED = 600, PAGE = 4096 };
    struct object object;
    struct rule before[64], damaged[64], after[64];
    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    void *handle = dlopen(PLUGIN_A, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    const uintptr_t code = (uintptr_t)dlsym(handle, "plugin_call") + 1;
    assert_true(object_find(code, &object));
    const uintptr_t page = (uintptr_t)object.eh_frame_hdr & ~(uintptr_t)(PAGE - 1);
    /* There may be code in the same page, which dlclose runs. */
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    assert_return_code(mprotect((void *)page, 2 * PAGE, all), errno);
    volatile uint8_t *table = (volatile uint8_t *)(uintptr_t)object.eh_frame_hdr;
    uint64_t seed = 9;
    size_t harmed = 0;
    read_plugin(code, before);
    for (int round = 0; round < 100000; round++) {
        const size_t at = support_below(&seed, DAMAGED), more = support_below(&seed, DAMAGED);
        const uint8_t was = table[at];
        table[at] = (uint8_t)support_random(&seed);
        const uint8_t was_more = table[more];
        table[more] ^= (uint8_t)(support_random(&seed) & 0x81);
        harmed += !read_plugin(code, damaged);
        table[more] = was_more;
        table[at] = was;
    }
    read_plugin(code, after);
    assert_memory_equal(before, after, sizeof before);
    assert_true(harmed > 1000);
    dlclose(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_libunwind_derives),
        cmocka_unit_test(directives_of_all_kinds),
        cmocka_unit_test(nowhere_is_left_to_libunwind),
        cmocka_unit_test(damaged_tables_do_no_harm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
