/* SPDX-License-Identifier: MIT
 *
 * Stacks that are known whole, on a made-up stack, against a naive walk over it.
 */
#include "known.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "made_stack.h"
#include "support.h"

#define STEPS 200000
#define DEEPEST 12

static struct arena_pool pool;
static _Atomic uint64_t events;
static struct knowns knowns;
static struct made_stack made;

static int start(void **state)
{
    (void)state;
    events = 0;
    knowns_init(&knowns, &pool, &events);
    made_init(&made, 0x77);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

static const struct known *find(struct made_frame f)
{
    return knowns_find(&knowns, f.ip, f.sp, f.bp);
}

/* The I-th of some shards, which are never looked into. */
static struct shard *shard(uintptr_t i)
{
    return (struct shard *)(i * 8 + 8);
}

static void enter(struct made_frame f, uintptr_t i)
{
    struct trace_step step[MADE_DEPTH];
    knowns_enter(&knowns, step, made_walk(&made, f, step), shard(i), 1, false);
}

static void assert_frames(const struct known *x, struct made_frame f)
{
    struct trace_step step[MADE_DEPTH];
    uintptr_t frames[MADE_DEPTH];
    const size_t n = made_walk(&made, f, step);
    assert_int_equal(knowns_frames(x, f.ip, frames, MADE_DEPTH), n);
    for (size_t i = 0; i < n; i++) {
        assert_true(frames[i] == step[i].ip);
    }
    assert_int_equal(knowns_frames(x, f.ip, frames, n - 1), n - 1);
}

static void a_stack_is_found_again(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < 20; i++) {
        made_call(&made, (enum made_kind)(i % MADE_KINDS), i % 5, 0, 0x1234);
        const struct made_frame f = made_innermost(&made);
        assert_null(find(f));
        enter(f, i);
        const struct known *x = find(f);
        assert_non_null(x);
        assert_ptr_equal(x->shard, shard(i));
        assert_int_equal(x->as, 1);
        assert_frames(x, f);
    }
    for (uintptr_t i = 20; i-- > 0; made_return(&made)) {
        assert_ptr_equal(find(made_innermost(&made))->shard, shard(i));
    }
    knowns_forget(&knowns);
    assert_null(find(made_innermost(&made)));
}

/* What a walk reads matters, but for saved bps that no step further out needs; and nothing else. */
static void each_word_that_was_read_matters(void **state)
{
    (void)state;
    struct trace_step step[MADE_DEPTH];
    bool matters[MADE_WORDS] = {false};
    for (size_t i = 0; i < 20; i++) {
        made_call(&made, (enum made_kind)(i % MADE_KINDS), i % 5, 0, 0x1234);
    }
    const struct made_frame f = made_innermost(&made);
    enter(f, 1);
    const size_t n = made_walk(&made, f, step);
    for (size_t i = 0; i + 1 < n; i++) {
        matters[(uintptr_t *)step[i].at - made.word] = true;
        if (step[i].load_at) {
            matters[(uintptr_t *)step[i].load_at - made.word] = true;
        }
        if (step[i].bp_at && made_needs_bp(step, n, i)) {
            matters[(uintptr_t *)step[i].bp_at - made.word] = true;
        }
    }
    size_t mattering = 0;
    for (size_t i = 0; i < MADE_WORDS; i++) {
        for (int bit = 0; bit < 64; bit += 7) {
            made.word[i] ^= (uintptr_t)1 << bit;
            assert_int_equal(find(f) == NULL, matters[i]);
            made.word[i] ^= (uintptr_t)1 << bit;
        }
        mattering += matters[i];
    }
    assert_true(mattering > n);
    assert_ptr_equal(find(f)->shard, shard(1));
}

static void bp_matters_where_a_step_needs_it(void **state)
{
    (void)state;
    for (int needed = 0; needed < 2; needed++) {
        knowns_forget(&knowns);
        made_init(&made, 0x77);
        made_call(&made, needed ? MADE_POINTER : MADE_SAVES, 1, 0, 0x99);
        made_call(&made, MADE_PLAIN, 2, 0, 0);
        struct made_frame f = made_innermost(&made), other = f;
        other.bp ^= 64;
        enter(f, 1);
        assert_non_null(find(f));
        assert_int_equal(find(other) == NULL, needed);
    }
}

/* The same innermost (ip, sp), called from the same places but for some further out. */
static void stacks_of_one_place_are_told_apart(void **state)
{
    (void)state;
    enum { PATHS = MADE_SITES * MADE_SITES * 2 };
    for (int round = 0; round < 3; round++) {
        for (uintptr_t i = 0; i < PATHS; i++) {
            made_init(&made, 0);
            made_call(&made, MADE_POINTER, 2, i % MADE_SITES, 0);
            made_call(&made, MADE_SAVES, 2, 0, 0x1000 + i);
            made_call(&made, MADE_PLAIN, 2 + i / (PATHS / 2), i / MADE_SITES % MADE_SITES, 0);
            made_call(&made, MADE_OUTLINED, 3 - i / (PATHS / 2), 0, 0);
            made_call(&made, MADE_PLAIN, 2, 0, 0);
            const struct made_frame f = made_innermost(&made);
            if (round == 0) {
                assert_null(find(f));
                enter(f, i);
            }
            assert_non_null(find(f));
            assert_ptr_equal(find(f)->shard, shard(i));
            assert_frames(find(f), f);
        }
    }
}

/* Returns from some calls, and calls others. */
static void run_on(uint64_t *seed)
{
    static const uintptr_t junk[] = {0, 0x99, 1, UINTPTR_MAX};
    for (size_t n = support_below(seed, 4); n > 0 && made.depth > 1; n--) {
        made_return(&made);
    }
    for (size_t n = support_below(seed, 5); n > 0 && made.depth < DEEPEST; n--) {
        uint64_t r = support_random(seed);
        uintptr_t bp = r & 1 ? junk[r >> 1 & 3] : (uintptr_t)&made.word[r >> 1 & 255];
        made_call(&made, (enum made_kind)(r >> 16 & 0xff) % MADE_KINDS, r >> 24 & 1, r >> 25 & 1,
                  bp);
    }
}

/* What is found is what a walk finds; what was entered last is found, unless there was no room. */
static void look_up(struct made_frame f, size_t *found, size_t *lost)
{
    struct trace_step step[MADE_DEPTH];
    events += 10; /* so that it pays */
    const size_t n = made_walk(&made, f, step);
    const struct known *x = find(f);
    if (x) {
        assert_true(n > 0);
        assert_frames(x, f);
        ++*found;
    } else if (n > 1 && knowns_wants(&knowns)) {
        enter(f, events);
        x = find(f);
        assert_true(!x || x->shard == shard(events));
        *lost += x == NULL;
    }
}

static void stacks_are_those_of_a_walk(void **state)
{
    (void)state;
    uint64_t seed = 4;
    size_t found = 0, lost = 0;
    for (int i = 0; i < STEPS; i++) {
        run_on(&seed);
        struct made_frame f = made_innermost(&made);
        look_up(f, &found, &lost);
        if (i % 8 == 0) {
            f.bp ^= 64;
            look_up(f, &found, &lost);
        } else if (i % 4 == 0) {
            uintptr_t *word = &made.word[support_below(&seed, MADE_WORDS)], is = *word;
            *word = made.word[support_below(&seed, MADE_WORDS)];
            look_up(f, &found, &lost);
            *word = is;
        }
    }
    print_message("%zu found, %zu entered in vain\n", found, lost);
    assert_true(found > STEPS / 4 && lost > 0 && lost < STEPS / 100);
}

/* Where all stacks are new ones nothing is entered for a while; where they are not there is more
 * room, up to a limit. */
static void room_grows_where_it_pays(void **state)
{
    (void)state;
    for (int pays = 0; pays < 2; pays++) {
        knowns_forget(&knowns);
        events += 1 << 30;
        size_t paused = 0;
        const uint32_t before = knowns.table ? knowns.table->units : 0;
        for (uint32_t i = 0; i < 30000; i++) {
            events += pays ? 100 : 1;
            made_init(&made, 0);
            for (uint32_t rest = i; rest; rest /= 64) {
                made_call(&made, MADE_PLAIN, rest / 8 % 8, rest % 8, 0);
            }
            made_call(&made, MADE_SAVES, 1, 0, i);
            if (!knowns_wants(&knowns)) {
                paused++;
            } else if (!find(made_innermost(&made))) {
                enter(made_innermost(&made), i);
            }
        }
        assert_int_equal(paused > 0, !pays);
        assert_int_equal(knowns.table->units > before && before != 0, pays);
    }
    assert_true(knowns.table->units * 8 <= 4 << 20);
}

/* Stacks from one place that differ in one word, so many that searches for them meet in the table:
 * whichever search begins, at its end, too, each is found. */
static void none_is_lost_where_searches_meet(void **state)
{
    enum { FRAMES = 6, STACKS = 300, TABLES = 30 };
    (void)state;
    static uintptr_t word[FRAMES], caller[STACKS];
    const uintptr_t sp = (uintptr_t)word;
    uint64_t seed = 17;
    for (int table = 0; table < TABLES; table++) {
        const struct made_frame f = {.ip = 0x1000 + support_below(&seed, 1 << 20), .sp = sp};
        struct trace_step step[FRAMES] = {{0}};
        start(NULL);
        for (size_t i = 0; i < FRAMES; i++) {
            word[i] = 0x1000 + support_below(&seed, 1 << 20);
        }
        for (size_t i = 0; i < STACKS; i++) {
            word[3] = caller[i] = 0x10000000 + support_below(&seed, 1 << 30);
            for (size_t j = 0; j < FRAMES; j++) {
                step[j].ip = j ? word[j] : f.ip;
                step[j].sp = sp + j * sizeof *word;
                step[j].at = j + 1 < FRAMES ? sp + (j + 1) * sizeof *word : 0;
            }
            knowns_enter(&knowns, step, FRAMES, shard(i), 1, false);
        }
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < STACKS; i++) {
                word[3] = caller[i];
                const struct known *x = find(f);
                assert_non_null(x);
                assert_ptr_equal(x, knowns_find_any(&knowns, f.ip, f.sp, f.bp));
            }
        }
        end(NULL);
    }
}

/* The stack that came after another is tried first when that comes again, and holds only with the
 * words that it has. One that came there once, or a few times, does not take its place. */
static void what_came_after_is_expected(void **state)
{
    (void)state;
    struct made_stack stack[3];
    for (uintptr_t i = 0; i < 3; i++) {
        made_init(&made, 0);
        made_call(&made, MADE_PLAIN, 3, i, 0);
        made_call(&made, MADE_PLAIN, i, 0, 0);
        enter(made_innermost(&made), i);
        stack[i] = made;
    }
#define GO_TO(i) (made = stack[i], assert_ptr_equal(find(made_innermost(&made))->shard, shard(i)))
#define EXPECTED(i) (knowns.table->expected->shard == shard(i))
#define NOTHING                                                                                    \
    (knowns.table->expected == known_at(knowns.table, 0) && knowns.table->expected->ip == 0)
    assert_true(NOTHING);
    GO_TO(0);
    GO_TO(1);
    GO_TO(0);
    assert_true(EXPECTED(1));
    GO_TO(1); /* as was expected: that is sure now */
    GO_TO(0);
    for (int i = 0; i < KNOWN_SURE; i++) {
        GO_TO(2);
        GO_TO(0);
        assert_true(EXPECTED(1));
    }
    GO_TO(2);
    GO_TO(0);
    assert_true(EXPECTED(2));

    made = stack[2];
    const struct made_frame f = made_innermost(&made);
    made.word[(uintptr_t *)f.sp - made.word + 2] ^= 8; /* where it returns to */
    assert_null(find(f));
    GO_TO(2);

    knowns_forget(&knowns);
    assert_true(NOTHING);
    assert_null(find(f));
#undef NOTHING
#undef GO_TO
#undef EXPECTED
}

/* What a handler does to what it interrupts: each instruction of an operation is stepped to, with
 * the processor's trap flag, and either left from there by longjmp, or gone on with after something
 * else. */
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
    end(NULL);
    start(NULL);
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
    before();
    assert_false(step_through(operation, SIZE_MAX, NULL));
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
static void what_cannot_be_told_is_not_entered(void **state)
{
    (void)state;
    uintptr_t word[2] = {0x1000, 0x2000};
    struct trace_step step[2] = {
        {.ip = 32, .sp = (uintptr_t)word, .at = (uintptr_t)&word[1]},
        {.ip = 0x2000, .sp = (uintptr_t)(word + 2), .rule = rule_plain(RULE_END)}};
    knowns_enter(&knowns, step, 0, shard(1), 1, false); /* no simple walk */
    step[0].at = (uintptr_t)&word[1] + 1;
    knowns_enter(&knowns, step, 2, shard(1), 1, false);
    step[0].at = (uintptr_t)&word[1] + (8 << 20);
    knowns_enter(&knowns, step, 2, shard(1), 1, false);
    assert_null(knowns_find(&knowns, 32, (uintptr_t)word, 0));
    assert_false(knowns_wants(&knowns));
    step[0].at = (uintptr_t)&word[1];
    knowns_enter(&knowns, step, 2, shard(1), 1, true);
    assert_int_equal(knowns_find(&knowns, 32, (uintptr_t)word, 0)->as, 1 | KNOWN_CUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(a_stack_is_found_again),
        TEST(each_word_that_was_read_matters),
        TEST(bp_matters_where_a_step_needs_it),
        TEST(stacks_of_one_place_are_told_apart),
        TEST(stacks_are_those_of_a_walk),
        TEST(room_grows_where_it_pays),
        TEST(none_is_lost_where_searches_meet),
        TEST(what_came_after_is_expected),
        TEST(what_a_handler_leaves_is_sound),
        TEST(what_is_gone_on_with_is_forgotten_too),
        TEST(what_cannot_be_told_is_not_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
