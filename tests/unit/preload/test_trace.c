/* SPDX-License-Identifier: MIT
 *
 * Known stacks on a made-up stack, whose words are changed one by one.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "made_stack.h"
#include "support.h"

/* Values for a word: near what it held, and far from it. */
static const uintptr_t changes[] = {16, 1, (uintptr_t)1 << 62};

static struct traces traces;
static struct made_stack made;

static int start(void **state)
{
    *state = calloc(1, traces_memory());
    traces_init(&traces, *state);
    made_init(&made, 0x77);
    return *state ? 0 : -1;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

static struct trace *find(struct made_frame f, struct trace_miss *miss)
{
    *miss = (struct trace_miss){0};
    return traces_find(&traces, f.ip, f.sp, f.bp, miss);
}

/* Enters the stack as it is, as stack_walk does. */
static struct trace *enter(void)
{
    struct trace_step step[MADE_DEPTH];
    size_t n = made_walk(&made, made_innermost(&made), step);
    assert_int_equal(n, made.depth);
    return made_enter(&traces, step, n);
}

/* The stack as it is, found or entered. */
static struct trace *know(void)
{
    struct trace_miss miss;
    struct trace *x = find(made_innermost(&made), &miss);
    return x ? x : enter();
}

/* X, outward, is what a walk finds. */
static void assert_walked(const struct trace *x, const struct trace_step *step, size_t n)
{
    for (size_t i = 0; i < n; i++, x = trace_outer(&traces, x)) {
        assert_non_null(x);
        assert_true(x->ip == step[i].ip && x->sp == step[i].sp);
        assert_int_equal(x->depth, n - i);
    }
    assert_null(x);
}

/* With the word at AT changed the stack is not known from HEAD outward, but as far as CHANGE. */
static void assert_matters(uintptr_t at, const struct trace *head, const struct trace *change)
{
    struct trace_miss miss;
    uintptr_t *word = (uintptr_t *)at, held = *word;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        *word = held ^ changes[i];
        assert_null(find(made_innermost(&made), &miss));
        assert_ptr_equal(miss.x, head);
        assert_ptr_equal(miss.change, change);
        *word = held;
        assert_ptr_equal(find(made_innermost(&made), &miss), head);
    }
}

static void assert_does_not_matter(uintptr_t at, const struct trace *head)
{
    struct trace_miss miss;
    uintptr_t *word = (uintptr_t *)at, held = *word;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        *word = held ^ changes[i];
        assert_ptr_equal(find(made_innermost(&made), &miss), head);
        *word = held;
    }
}

/* Every word of the stack matters that a step outward read, but for saved bps that no step further
 * out needs; and no other. Returns how many matter. */
static size_t check_every_word(const struct trace *head)
{
    struct trace_step step[MADE_DEPTH];
    const struct trace *of[MADE_WORDS] = {NULL}, *x = head;
    size_t n = made_walk(&made, made_innermost(&made), step), matter = 0;
    assert_walked(head, step, n);
    for (size_t i = 0; i + 1 < n; i++, x = trace_outer(&traces, x)) {
        of[(uintptr_t *)step[i].at - made.word] = x;
        if (step[i].load_at) {
            of[(uintptr_t *)step[i].load_at - made.word] = x;
        }
        if (step[i].bp_at && made_needs_bp(step, n, i)) {
            of[(uintptr_t *)step[i].bp_at - made.word] = x;
        }
    }
    for (size_t i = 0; i < MADE_WORDS; i++) {
        if (of[i]) {
            assert_matters((uintptr_t)&made.word[i], head, of[i]);
            matter++;
        } else {
            assert_does_not_matter((uintptr_t)&made.word[i], head);
        }
    }
    return matter;
}

static void known_stacks_are_found_again(void **state)
{
    (void)state;
    struct trace *inner[MADE_DEPTH];
    struct trace_miss miss;
    for (size_t i = 0; i < 20; i++) {
        made_call(&made, (enum made_kind)(i % MADE_KINDS), i % 5, 0, 0x1234);
        assert_null(find(made_innermost(&made), &miss));
        assert_null(miss.x);
        inner[i] = enter();
        assert_non_null(inner[i]);
        assert_int_equal(inner[i]->depth, i + 2);
        assert_ptr_equal(find(made_innermost(&made), &miss), inner[i]);
    }
    for (size_t i = 20; i-- > 0; made_return(&made)) {
        assert_ptr_equal(find(made_innermost(&made), &miss), inner[i]);
        assert_true(i == 0 || trace_outer(&traces, inner[i]) == inner[i - 1]);
    }
    assert_int_equal(traces.used, 21);
}

static void the_outermost_frame_is_a_stack(void **state)
{
    (void)state;
    struct trace *x = know();
    assert_int_equal(x->depth, 1);
    assert_int_equal(x->words, 0);
    assert_null(trace_outer(&traces, x));
    assert_int_equal(check_every_word(x), 0);
}

static void each_word_that_was_read_matters(void **state)
{
    (void)state;
    static const struct {
        enum made_kind kind[8]; /* from the outermost inward, up to MADE_OUTERMOST */
        size_t matter;
    } stacks[] = {
        /* Return addresses alone. */
        {{MADE_PLAIN, MADE_PLAIN, MADE_PLAIN, MADE_PLAIN, MADE_PLAIN, MADE_OUTERMOST}, 5},
        /* Saved, but needed by nobody. */
        {{MADE_SAVES, MADE_PLAIN, MADE_SAVES, MADE_SAVES, MADE_PLAIN, MADE_OUTERMOST}, 5},
        /* Needed: the bp that is saved next inward of MADE_POINTER, through MADE_PLAIN. */
        {{MADE_POINTER, MADE_PLAIN, MADE_SAVES, MADE_SAVES, MADE_PLAIN, MADE_OUTERMOST}, 6},
        /* Frame pointers all the way: all but the outermost's. */
        {{MADE_POINTER, MADE_POINTER, MADE_POINTER, MADE_POINTER, MADE_OUTERMOST}, 7},
        /* The words that a CFA came from. */
        {{MADE_OUTLINED, MADE_PLAIN, MADE_OUTLINED, MADE_OUTERMOST}, 5},
        {{MADE_REALIGNED, MADE_REALIGNED, MADE_OUTERMOST}, 5},
        {{MADE_POINTER, MADE_REALIGNED, MADE_OUTLINED, MADE_SAVES, MADE_PLAIN, MADE_REALIGNED,
          MADE_SAVES, MADE_OUTERMOST},
         13},
    };
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        made_init(&made, 0x77);
        for (const enum made_kind *kind = stacks[i].kind; *kind != MADE_OUTERMOST; kind++) {
            made_call(&made, *kind, 3, i, 0x99);
        }
        assert_int_equal(check_every_word(know()), stacks[i].matter);
    }
}

static void bp_matters_where_a_step_needs_it(void **state)
{
    (void)state;
    struct trace_miss miss;
    for (int needed = 0; needed < 2; needed++) {
        traces_forget(&traces);
        made_init(&made, 0x77);
        made_call(&made, needed ? MADE_POINTER : MADE_SAVES, 1, 0, 0x99);
        made_call(&made, MADE_PLAIN, 2, 0, 0);
        made_call(&made, MADE_PLAIN, 3, 0, 0);
        struct trace *x = know();
        struct made_frame other = made_innermost(&made);
        other.bp ^= 64;
        struct trace *found = find(other, &miss);
        assert_ptr_equal(found, needed ? NULL : x);
        assert_null(miss.x); /* where a step leads from this bp is not known at all */
        assert_ptr_equal(find(made_innermost(&made), &miss), x);
    }
}

/* What MADE_POINTER to the end makes of every kind: 1, 2, 3 and other 2 words. */
static void words_are_taken_together_as_they_fit(void **state)
{
    (void)state;
    static const struct {
        enum made_kind kind;
        unsigned words;
    } ways[] = {{MADE_PLAIN, 1}, {MADE_OUTLINED, 2}, {MADE_REALIGNED, 3}, {MADE_POINTER, 2}};
    enum { STEPS = 5 };
    for (unsigned mix = 0; mix < 1u << (2 * STEPS); mix++) {
        unsigned words[STEPS + 1], n = 0, next = 0;
        traces_forget(&traces);
        made_init(&made, 0);
        made_call(&made, MADE_POINTER, 1, 0, 0);
        for (int i = STEPS; i-- > 0;) {
            made_call(&made, ways[mix >> 2 * i & 3].kind, 1, 0, 0);
            words[i] = ways[mix >> 2 * i & 3].words;
        }
        words[STEPS] = 1;
        struct trace *head = know();
        const struct trace *x = head;
        for (; next <= STEPS && n + words[next] <= TRACE_WORDS;
             next++, x = trace_outer(&traces, x)) {
            assert_int_equal(x->words, words[next]);
            n += words[next];
        }
        assert_ptr_equal(head->far, next <= STEPS ? x : NULL);
        for (; n < TRACE_WORDS; n++) {
            assert_ptr_equal((void *)head->at[n], &head->held[n]);
        }
        size_t matter = 0;
        for (int i = 0; i <= STEPS; i++) {
            matter += words[i];
        }
        assert_int_equal(check_every_word(head), matter);
    }
}

static void what_is_entered_twice_is_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        made_call(&made, (enum made_kind)(i % MADE_KINDS), 2, 0, 0x99);
    }
    struct trace *x = enter();
    const uint32_t used = traces.used;
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(enter(), x);
    }
    /* Neither does a bp make it another that no step needs. */
    made_call(&made, MADE_SAVES, 1, 0, 0x123);
    x = enter();
    made_return(&made);
    made_call(&made, MADE_SAVES, 1, 0, 0x456);
    assert_ptr_equal(enter(), x);
    assert_int_equal(traces.used, used + 1);
    /* But a call from elsewhere does. */
    made_return(&made);
    made_return(&made);
    made_call(&made, MADE_OUTLINED, 2, 1, 0);
    made_call(&made, MADE_SAVES, 1, 0, 0x123);
    assert_true(enter() != x);
    assert_int_equal(traces.used, used + 3);
}

static void a_bp_saved_too_far_away_is_not_kept(void **state)
{
    (void)state;
    uintptr_t returns = 16; /* may be read, where return addresses may be signed */
    struct trace_step outer = {.ip = 16, .sp = 1 << 20, .rule = rule_plain(RULE_END)},
                      step = {.ip = 32, .sp = 1 << 19, .at = (uintptr_t)&returns};
    struct trace *x = traces_enter(&traces, &outer, NULL, 1);
    step.bp_at = step.at - ((uintptr_t)8 << 15);
    assert_non_null(traces_enter(&traces, &step, x, 2));
    step.bp_at -= 8;
    assert_null(traces_enter(&traces, &step, x, 2));
    step.bp_at = step.at + ((uintptr_t)8 << 15);
    assert_null(traces_enter(&traces, &step, x, 2));
    step.bp_at = step.at + ((uintptr_t)8 << 32);
    assert_null(traces_enter(&traces, &step, x, 2));
    assert_int_equal(traces.used, 2);
}

/* Nor one where none was saved: what is not a stack may lead there. */
static void a_bp_in_the_place_of_others_is_not_kept(void **state)
{
    (void)state;
    struct trace_step outer = {.ip = 16, .sp = 1 << 20, .rule = rule_plain(RULE_END)},
                      step = {.ip = 32, .sp = 1 << 19, .at = (1 << 20) - 8};
    struct trace *x = traces_enter(&traces, &outer, NULL, 1);
    for (uintptr_t bp_at = step.at - 7; bp_at < step.at + 8; bp_at++) {
        step.bp_at = bp_at;
        assert_null(traces_enter(&traces, &step, x, 2));
    }
    assert_int_equal(traces.used, 1);
}

static void when_there_is_no_room_all_are_forgotten(void **state)
{
    (void)state;
    struct trace_miss miss;
    for (int round = 0; round < 3; round++) {
        uint32_t i = 0;
        struct trace *x;
        do {
            assert_true(i < TRACES_MAX);
            made_init(&made, 0);
            for (uint32_t rest = i; rest; rest /= 64) {
                made_call(&made, MADE_PLAIN, rest / 8 % 8, rest % 8, 0);
            }
            made_call(&made, MADE_SAVES, 1, 0, i++);
            x = know();
        } while (x);
        const uint32_t limit = traces.limit;
        assert_int_equal(traces.used, limit);
        traces_grow(&traces);
        assert_int_equal(traces.used, 0);
        assert_int_equal(traces.limit, limit < TRACES_MAX ? 2 * limit : TRACES_MAX);
        assert_null(find(made_innermost(&made), &miss));
        assert_null(miss.x);
        x = enter();
        assert_non_null(x);
        assert_ptr_equal(find(made_innermost(&made), &miss), x);
        assert_int_equal(traces.used, made.depth);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(known_stacks_are_found_again),
        TEST(the_outermost_frame_is_a_stack),
        TEST(each_word_that_was_read_matters),
        TEST(bp_matters_where_a_step_needs_it),
        TEST(words_are_taken_together_as_they_fit),
        TEST(what_is_entered_twice_is_one),
        TEST(a_bp_saved_too_far_away_is_not_kept),
        TEST(a_bp_in_the_place_of_others_is_not_kept),
        TEST(when_there_is_no_room_all_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
