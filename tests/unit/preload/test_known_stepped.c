/* SPDX-License-Identifier: MIT
 *
 * What a signal's handler does to the known stacks that it interrupts: each instruction of an
 * operation is stepped to, with the processor's trap flag, and either left from there by longjmp,
 * or gone on with after something else.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "known_table.h"

#ifdef __x86_64__

enum { STACKS = 8, FULL = 4096, AGAIN = 1 << 16, ENDS = 60 };

static struct {
    size_t steps, at;   /* done; to the one that is interrupted */
    void (*then)(void); /* or NULL: it is left */
    sigjmp_buf out;
} stepping;

static size_t first_that_grows;

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ucontext_t *u = context;
    if (stepping.steps++ == stepping.at) {
        u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x100;
        if (!stepping.then) {
            siglongjmp(stepping.out, 1);
        }
        stepping.then();
    }
}

/* Returns whether OPERATION took more than AT instructions. */
static bool step_through(void (*operation)(void), size_t at, void (*then)(void))
{
    const struct sigaction on = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    assert_int_equal(sigaction(SIGTRAP, &on, &before), 0);
    stepping.steps = 0;
    stepping.at = at;
    stepping.then = then;
    if (sigsetjmp(stepping.out, 1) == 0) {
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
        operation();
        __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    }
    sigaction(SIGTRAP, &before, NULL);
    return stepping.steps > at;
}

/* Goes to stack number I; those from AGAIN on are the same, known anew. */
static void go_to(size_t i)
{
    made_init(&made, 0);
    for (size_t rest = i % AGAIN + 1; rest; rest /= 64) {
        made_call(&made, MADE_PLAIN, 1 + rest / 8 % 8, rest % 8, 0);
    }
    made_call(&made, MADE_SAVES, 1, 0, 0);
}

static void know(size_t i)
{
    events += 100;
    go_to(i);
    enter(made_innermost(&made), i);
}

static void find_here(void)
{
    find(made_innermost(&made));
}

static void enter_here(void)
{
    enter(made_innermost(&made), STACKS);
}

static void forget(void)
{
    knowns_forget(&knowns);
}

static void forget_as_it_was_left(void)
{
    knowns_left(&knowns);
    knowns_forget(&knowns);
}

static void grow(void)
{
    const struct made_stack here = made;
    const struct known_table *before = knowns.table;
    for (size_t i = STACKS; i < FULL && knowns.table == before; i++) {
        know(i);
    }
    assert_ptr_not_equal(knowns.table, before);
    made = here;
}

/* Some stacks are known, after each of which the next is expected. */
static void prepare(void)
{
    known_table_teardown(NULL);
    known_table_setup(NULL);
    for (size_t i = 0; i < STACKS; i++) {
        know(i);
    }
    for (size_t i = 0; i < STACKS * 3; i++) {
        go_to(i % STACKS);
        assert_ptr_equal(find(made_innermost(&made))->shard, shard(i % STACKS));
    }
}

static void expected_hit(void)
{
    prepare();
    go_to(0);
}

static void other_hit(void)
{
    prepare();
    for (int i = 0; i <= KNOWN_SURE; i++) { /* the next is to be learnt */
        go_to(3);
        find_here();
        go_to(5);
        find_here();
        go_to(STACKS - 1);
        find_here();
    }
    go_to(3);
    find_here();
    go_to(6);
}

static void a_new_one(void)
{
    prepare();
    go_to(STACKS);
}

static void growth(void)
{
    prepare();
    for (size_t i = STACKS; i < first_that_grows; i++) {
        know(i);
    }
    go_to(STACKS);
}

/* All that are found are right: those from FROM on, known anew or not. What is not found is entered
 * as OTHERS. */
static void assert_sound(size_t from)
{
    for (size_t step = 1; step <= STACKS; step++) {
        for (size_t n = 0; n < STACKS * 5; n++) {
            const size_t i = n * step % (STACKS + 1);
            go_to(i);
            const struct known *x = find(made_innermost(&made));
            if (!x) {
                know(from + i);
            } else if (x->shard != shard(from + i)) {
                fail_msg("after instruction %zu: stack %zu is found as %zu", stepping.at, i,
                         ((size_t)x->shard - 8) / 8);
            }
        }
    }
    for (size_t i = 0; i < FULL / 8; i++) { /* in the memory that was used before */
        go_to(i);
        const struct known *x = find(made_innermost(&made));
        if (x && x->shard != shard(from + i) && x->shard != shard(i)) {
            fail_msg("after instruction %zu: stack %zu is found as %zu", stepping.at, i,
                     ((size_t)x->shard - 8) / 8);
        } else if (!x) {
            know(from + i);
        }
    }
}

/* Interrupts OPERATION after BEFORE at each instruction: of many those at either end, and some. */
static void at_each_instruction(void (*before)(void), void (*operation)(void), void (*then)(void),
                                size_t from)
{
    for (int i = 0; i < 2; i++) { /* the first go binds symbols, too */
        before();
        assert_false(step_through(operation, SIZE_MAX, NULL));
    }
    const size_t all = stepping.steps;
    if (all == 0) {
        skip(); /* valgrind does not step */
    }
    assert_true(all > 20);
    for (size_t at = 0; at + 1 < all; at += at < ENDS || at + ENDS > all ? 1 : 1 + all / ENDS) {
        before();
        assert_true(step_through(operation, at, then));
        assert_sound(from);
    }
}

static void what_a_handler_leaves_is_sound(void **state)
{
    (void)state;
    prepare();
    const struct known_table *table = knowns.table;
    for (first_that_grows = STACKS; knowns.table == table; first_that_grows++) {
        know(first_that_grows);
    }
    first_that_grows--;
    at_each_instruction(expected_hit, find_here, NULL, 0);
    at_each_instruction(other_hit, find_here, NULL, 0);
    at_each_instruction(a_new_one, enter_here, NULL, 0);
    at_each_instruction(growth, enter_here, NULL, 0);
    at_each_instruction(expected_hit, forget, NULL, 0);
}

/* A search that a handler interrupts, in which it seems to be gone for good, and more is known, or
 * another set of stacks. What it is in keeps out of that. */
static void what_is_gone_on_with_is_forgotten_too(void **state)
{
    (void)state;
    at_each_instruction(expected_hit, find_here, forget_as_it_was_left, AGAIN);
    at_each_instruction(other_hit, find_here, forget_as_it_was_left, AGAIN);
    at_each_instruction(expected_hit, find_here, grow, 0);
    at_each_instruction(other_hit, find_here, grow, 0);
}

#else

static void what_a_handler_leaves_is_sound(void **state)
{
    (void)state;
    skip(); /* the flag is this processor's */
}

static void what_is_gone_on_with_is_forgotten_too(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, known_table_setup, known_table_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_a_handler_leaves_is_sound),
        TEST(what_is_gone_on_with_is_forgotten_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
