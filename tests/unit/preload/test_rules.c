/* SPDX-License-Identifier: MIT
 *
 * The table of rules against deriving each anew.
 */
#include "rules.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "support.h"

static struct arena_pool pool;
static struct unwinder *unwinder;
static struct rules rules;
static uintptr_t code; /* the start of some 100 KiB of libc's */

static void *map(size_t size)
{
    return arena_pool_map(&pool, size);
}

static int load(void **state)
{
    (void)state;
    const char *why;
    objects_start();
    unwinder = unwinder_load(map, &why);
    code = (uintptr_t)dlsym(RTLD_DEFAULT, "qsort");
    return unwinder && code ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    memset(&rules, 0, sizeof rules);
    rules_init(&rules, unwinder, &pool);
    return 0;
}

static bool same(const struct rule *a, const struct rule *b)
{
    return a->bits == b->bits;
}

/* Gets the rules of COUNT addresses, twice; returns how many were wrong. */
static size_t check(struct rules *r, size_t count, uint32_t generation)
{
    size_t wrong = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        uintptr_t ip = code + i / 2;
        struct rule found = rules_get(r, ip, i / 2 % 3 == 0, generation);
        struct rule expected = unwinder_derive(unwinder, ip, i / 2 % 3 == 0);
        wrong += !same(&found, &expected);
    }
    return wrong;
}

static void rules_are_found_again(void **state)
{
    (void)state;
    assert_int_equal(check(&rules, 20000, 0), 0); /* several times the first table */
    size_t bytes = pool.bytes;
    assert_int_equal(check(&rules, 20000, 0), 0);
    assert_int_equal(pool.bytes, bytes); /* all are known */
}

static void the_kind_of_address_matters(void **state)
{
    (void)state;
    size_t different = 0;
    for (uintptr_t ip = code; ip < code + 2000; ip++) {
        struct rule after = rules_get(&rules, ip, true, 0);
        struct rule at = rules_get(&rules, ip, false, 0);
        struct rule before = rules_get(&rules, ip - 1, false, 0);
        assert_true(same(&after, &before));
        different += !same(&after, &at);
    }
    assert_true(different > 0);
}

/* Made-up code that changes behind the table's back: rules_get must not ask again within a
 * generation, and must in the next. */
static void a_generation_has_its_own(void **state)
{
    (void)state;
    uintptr_t ip = code;
    struct rule first = rules_get(&rules, ip, true, 1);
    rules.unwinder = NULL; /* would crash if it were asked */
    struct rule again = rules_get(&rules, ip, true, 1);
    assert_true(same(&first, &again));
    rules.unwinder = unwinder;
    for (uint32_t generation = 2; generation < 40000; generation += 977) {
        struct rule now = rules_get(&rules, ip, true, generation);
        assert_true(same(&first, &now));
    }
}

/* Keys tell only so many generations apart: after as many unloaded modules a rule must not be
 * found that is of other code. */
static void generations_do_not_come_again(void **state)
{
    (void)state;
    const uint32_t round = 1u << RULES_GENERATION_BITS;
    for (uint64_t n = 5; n < UINT32_MAX - round; n += (uint64_t)round * 13107) {
        const uint32_t generation = (uint32_t)n;
        struct rule rule = {0}, first = rules_get(&rules, code, true, generation);
        assert_true(
            rules_find(atomic_load(&rules.table), rules_key(code, true, generation), &rule));
        assert_true(same(&rule, &first));
        rules_get(&rules, code + 1, true, generation + round);
        const uint64_t key = rules_key(code, true, generation + round);
        assert_false(rules_find(atomic_load(&rules.table), key, &rule));
    }
}

static void old_generations_do_not_fill_the_table(void **state)
{
    (void)state;
    check(&rules, 1000, 0);
    size_t bytes = pool.bytes;
    for (uint32_t generation = 1; generation <= 30; generation++) {
        assert_int_equal(check(&rules, 1000, generation), 0);
    }
    /* Tables that were replaced stay mapped, but none is larger than the first. */
    assert_true(pool.bytes - bytes < 30 * ((size_t)128 << 10));
}

struct worker {
    pthread_t thread;
    size_t wrong;
};

static void *check_in_thread(void *arg)
{
    ((struct worker *)arg)->wrong = check(&rules, 6000, 3);
    return NULL;
}

static void threads_share_the_table(void **state)
{
    (void)state;
    struct worker w[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&w[i].thread, NULL, check_in_thread, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].wrong, 0);
    }
}

/* Frames that are told by what nobody knows: the word at address 8, a register of the caller's. */
__asm__(".text\n"
        ".global by_a_word, by_a_register\n"
        "by_a_word:\n"
        ".cfi_startproc\n"
        ".cfi_escape 0x0f, 3, 0x08, 8, 0x06\n" /* the CFA is: constant 8, dereferenced */
        "nop\n"
        ".cfi_endproc\n"
        "by_a_register:\n"
        ".cfi_startproc\n"
        ".cfi_def_cfa 0, 16\n"
        "nop\n"
        ".cfi_endproc\n");
extern char by_a_word[], by_a_register[];

static void what_cannot_be_known_is_not_guessed(void **state)
{
    (void)state;
    const struct rule complex = rule_plain(RULE_COMPLEX);
    const struct rule word = unwinder_derive(unwinder, (uintptr_t)by_a_word, false);
    const struct rule other = unwinder_derive(unwinder, (uintptr_t)by_a_register, false);
    assert_true(same(&word, &complex));
    assert_true(same(&other, &complex));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules_are_found_again, setup),
        cmocka_unit_test_setup(the_kind_of_address_matters, setup),
        cmocka_unit_test_setup(a_generation_has_its_own, setup),
        cmocka_unit_test_setup(generations_do_not_come_again, setup),
        cmocka_unit_test_setup(old_generations_do_not_fill_the_table, setup),
        cmocka_unit_test_setup(threads_share_the_table, setup),
        cmocka_unit_test(what_cannot_be_known_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
