/* SPDX-License-Identifier: MIT
 *
 * Stacks that are known whole, on a made-up stack, against a naive walk over it.
 */
#include "known_table.h"

#define STEPS 200000
#define DEEPEST 12

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
        known_table_setup(NULL);
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
        known_table_teardown(NULL);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, known_table_setup, known_table_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_stack_is_found_again),
        TEST(each_word_that_was_read_matters),
        TEST(bp_matters_where_a_step_needs_it),
        TEST(stacks_of_one_place_are_told_apart),
        TEST(stacks_are_those_of_a_walk),
        TEST(room_grows_where_it_pays),
        TEST(none_is_lost_where_searches_meet),
        TEST(what_came_after_is_expected),
        TEST(what_cannot_be_told_is_not_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
