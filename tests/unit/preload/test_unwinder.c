/* SPDX-License-Identifier: MIT
 *
 * The loaded libunwind: its walk against that of the libunwind that the test is linked with, and
 * what loading it must not leave behind.
 */
#include "unwinder.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "objects.h"
#include "support.h"

#define MAX 512

static struct unwinder *unwinder;
static size_t descriptors_before, descriptors_after;

static void *map(size_t size)
{
    return calloc(1, size);
}

static int setup(void **state)
{
    (void)state;
    const char *why;
    objects_start();
    descriptors_before = support_entries("/proc/self/fd");
    unwinder = unwinder_load(map, &why);
    descriptors_after = support_entries("/proc/self/fd");
    return unwinder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(unwinder);
    return 0;
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    assert_int_equal(descriptors_after, descriptors_before);
}

struct found {
    size_t runs, wrong, max;
};

static __attribute__((noinline)) void compare(void *arg)
{
    struct found *f = arg;
    const struct stack_start start = SUPPORT_CALLER;
    static uintptr_t ours[MAX + 1];
    static void *theirs[MAX + 64];
    bool cut = false;
    size_t m = unwinder_walk(unwinder, start.sp, start.sp + 256, ours, f->max, &cut);
    size_t n = frames_walk(theirs, MAX + 64), skip = 0;
    while (skip < n && (uintptr_t)theirs[skip] != start.ip) {
        skip++;
    }
    n -= skip;
    n = n > f->max + 1 ? f->max + 1 : n; /* one more says that there are more */
    bool same = m == n && !cut;
    for (size_t i = 0; same && i < n; i++) {
        same = (uintptr_t)theirs[skip + i] == ours[i];
    }
    f->runs++;
    f->wrong += !same;
}

static void its_walk_is_the_plain_walk(void **state)
{
    (void)state;
    struct found f = {.max = MAX};
    for (const struct frames_kind *kind = frames_kinds; kind->name; kind++) {
        for (int depth = 0; depth < 30; depth += 5) {
            kind->run(compare, &f, depth);
        }
    }
    assert_true(f.runs >= 48);
    assert_int_equal(f.wrong, 0);
    f.max = 5;
    frames_kinds[0].run(compare, &f, 20);
    assert_int_equal(f.wrong, 0);
}

static __attribute__((noinline)) void walk_plainly(void *arg)
{
    size_t *same = arg;
    void *ours[MAX], *theirs[MAX];
    size_t m = unwinder_plain_walk(unwinder, ours, MAX);
    size_t n = frames_walk(theirs, MAX);
    /* From this function outward they agree; both began in calls of their own. */
    while (*same < n && *same < m && ours[m - 1 - *same] == theirs[n - 1 - *same]) {
        ++*same;
    }
}

static void the_plain_walk_is_there(void **state)
{
    (void)state;
    size_t few = 0, many = 0;
    assert_false(unwinder_has_plain(unwinder));
    unwinder_load_plain(unwinder);
    assert_true(unwinder_has_plain(unwinder));
    frames_kinds[0].run(walk_plainly, &few, 0);
    frames_kinds[0].run(walk_plainly, &many, 40);
    assert_true(few >= 3);
    assert_int_equal(many, few + 40);
}

/* A frame pointer's classic prologue, at its known offsets: nothing pushed, bp pushed, bp set. */
__asm__(".text\n.type known, @function\nknown:\n.cfi_startproc\n"
#if defined(__x86_64__)
        "nop\n"
        "push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6, -16\n"
        "mov %rsp, %rbp\n.cfi_def_cfa_register 6\n"
        "nop\n"
        "sub $64, %rsp\n"
        "leave\n.cfi_def_cfa 7, 8\n.cfi_restore 6\n"
        "ret\n"
#else
        "nop\n"
        "stp x29, x30, [sp, #-32]!\n"
        ".cfi_def_cfa_offset 32\n.cfi_offset 29, -32\n.cfi_offset 30, -24\n"
        "mov x29, sp\n.cfi_def_cfa_register 29\n"
        "sub sp, sp, #64\n"
        "mov sp, x29\n"
        "ldp x29, x30, [sp], #32\n.cfi_def_cfa 31, 0\n.cfi_restore 29\n.cfi_restore 30\n"
        "ret\n"
#endif
        ".cfi_endproc\n.size known, . - known\n");
extern const char known[];

struct known_rule {
    int at;
    struct rule_parts rule; /* `load`: where the return address is */
};

static void check_rule(uintptr_t ip, bool after_call, const struct rule_parts *expected)
{
    /* A return address is looked up as the byte before. */
    struct rule rule = unwinder_derive(unwinder, ip + (after_call ? 1 : 0), after_call);
    assert_int_equal(rule_kind(rule), expected->kind);
    assert_int_equal(rule_bp(rule), expected->bp);
    assert_int_equal(rule_cfa(rule), expected->cfa);
    assert_int_equal(rule_bp_at(rule), expected->bp_at);
    if (expected->kind != RULE_COMPLEX) {
        assert_int_equal(rule_return(rule), expected->load);
    }
}

static void rules_are_what_the_tables_say(void **state)
{
    (void)state;
    static const struct known_rule expected[] = {
#if defined(__x86_64__)
        {0, {.kind = RULE_SP, .bp = RULE_BP_SAME, .cfa = 8, .load = -8}},
        {1, {.kind = RULE_SP, .bp = RULE_BP_SAME, .cfa = 8, .load = -8}},
        {2, {.kind = RULE_SP, .bp = RULE_BP_AT_CFA, .cfa = 16, .bp_at = -16, .load = -8}},
        {5, {.kind = RULE_BP, .bp = RULE_BP_AT_CFA, .cfa = 16, .bp_at = -16, .load = -8}},
        {10, {.kind = RULE_BP, .bp = RULE_BP_AT_CFA, .cfa = 16, .bp_at = -16, .load = -8}},
        {11, {.kind = RULE_SP, .bp = RULE_BP_SAME, .cfa = 8, .load = -8}},
#else
        /* Before and after the frame is there, the return address is in x30. */
        {0, {.kind = RULE_COMPLEX}},
        {4, {.kind = RULE_COMPLEX}},
        {8, {.kind = RULE_SP, .bp = RULE_BP_AT_CFA, .cfa = 32, .bp_at = -32, .load = -24}},
        {12, {.kind = RULE_BP, .bp = RULE_BP_AT_CFA, .cfa = 32, .bp_at = -32, .load = -24}},
        {20, {.kind = RULE_BP, .bp = RULE_BP_AT_CFA, .cfa = 32, .bp_at = -32, .load = -24}},
        {24, {.kind = RULE_COMPLEX}},
#endif
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        uintptr_t ip = (uintptr_t)known + (uintptr_t)expected[i].at;
        check_rule(ip, false, &expected[i].rule);
        check_rule(ip, true, &expected[i].rule);
    }
}

static void nowhere_has_no_simple_rule(void **state)
{
    (void)state;
    int local;
    const uintptr_t nowhere[] = {0, 1, 4096, UINTPTR_MAX, (uintptr_t)&local, (uintptr_t)1 << 63};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        assert_int_equal(rule_kind(unwinder_derive(unwinder, nowhere[i], true)), RULE_COMPLEX);
        assert_int_equal(rule_kind(unwinder_derive(unwinder, nowhere[i], false)), RULE_COMPLEX);
    }
}

/* No .cfi directives: the assembler makes no table for it. */
extern const char bare_code[];
__asm__(".text\n\t.p2align 4\nbare_code:\n\tnop\n\tnop\n\tnop\n\tnop\n\t.p2align 4");

static void code_without_a_table_may_be_the_end(void **state)
{
    (void)state;
    for (int after_call = 0; after_call <= 1; after_call++) {
        const struct rule rule = unwinder_derive(unwinder, (uintptr_t)bare_code + 1, after_call);
        assert_int_equal(rule_kind(rule), ARCH_UNW_BARE_ENDS ? RULE_BARE : RULE_COMPLEX);
        assert_int_equal(rule_ends(rule, 0), ARCH_UNW_BARE_ENDS);
        assert_int_equal(rule_uses_bp(rule), ARCH_UNW_BARE_ENDS);
        assert_false(rule_ends(rule, 16));
    }
}

static void its_own_code_is_known(void **state)
{
    (void)state;
    void *loaded = dlopen(ARCH_UNW_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    if (loaded) {
        assert_true(unwinder_owns(unwinder, (uintptr_t)dlsym(loaded, ARCH_UNW_PREFIX "step")));
        dlclose(loaded);
    }
    assert_true(unwinder_owns(unwinder, (uintptr_t)dlsym(RTLD_DEFAULT, "__tls_get_addr")));
    assert_false(unwinder_owns(unwinder, (uintptr_t)&its_own_code_is_known));
    assert_false(unwinder_owns(unwinder, (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version")));
    assert_false(unwinder_owns(unwinder, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_descriptor_is_left),
        cmocka_unit_test(its_walk_is_the_plain_walk),
        cmocka_unit_test(the_plain_walk_is_there),
        cmocka_unit_test(rules_are_what_the_tables_say),
        cmocka_unit_test(nowhere_has_no_simple_rule),
        cmocka_unit_test(code_without_a_table_may_be_the_end),
        cmocka_unit_test(its_own_code_is_known),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
