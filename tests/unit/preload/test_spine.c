/* SPDX-License-Identifier: MIT
 *
 * The stack walked last, at random calls and returns on a made-up stack and changes of any of its
 * words: wherever a walk may end because the rest is known, that rest is what a walk of all frames
 * finds.
 */
#include "spine.h"

#include <stdlib.h>
#include <string.h>

#include "made_stack.h"
#include "stack_hash.h"
#include "support.h"

#define STEPS 200000
#define DEEPEST 28

struct model {
    struct spine *spine;
    struct made_stack made;
    struct trace_step step[MADE_DEPTH];
    uint64_t seed;
    size_t joined, joined_whole, fell_short, walked, not_kept;
};

/* Returns from some calls, and calls others. */
static void run_on(struct model *m)
{
    struct made_stack *made = &m->made;
    for (size_t n = support_below(&m->seed, 6); n > 0 && made->depth > 1; n--) {
        made_return(made);
    }
    for (size_t n = support_below(&m->seed, 7); n > 0 && made->depth < DEEPEST; n--) {
        const uint64_t r = support_random(&m->seed);
        made_call(made, (enum made_kind)(r >> 16 & 0xff) % MADE_KINDS, r >> 24 & 1, r >> 25 & 1,
                  (uintptr_t)&made->word[r >> 1 & 255]);
    }
}

/* A word of the stack becomes another of its words. */
static void spoil(struct model *m)
{
    const size_t first = (size_t)((uintptr_t *)made_innermost(&m->made).sp - m->made.word);
    const size_t used = MADE_WORDS - first;
    m->made.word[first + support_below(&m->seed, used)] =
        m->made.word[first + support_below(&m->seed, used)];
}

/* Whether the spine's N outermost frames are the last of the COUNT there are in m->step. */
static void assert_outer(const struct model *m, size_t n, size_t count)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) {
        const struct trace_step *x = spine_step(m->spine, i), *y = &m->step[count - 1 - i];
        assert_true(x->ip == y->ip && x->sp == y->sp && x->at == y->at);
        assert_true(x->bp == y->bp || !m->spine->frame[i].uses_bp);
        hash = stack_hash_extend(hash, y->ip);
        assert_int_equal(m->spine->frame[i].hash, hash);
    }
}

/* Whether a step out of the first N frames read a word that is further in than its frame. */
static bool leads_inward(const struct model *m, size_t n)
{
    for (const struct trace_step *x = m->step; n > 0; x++, n--) {
        if ((x->load_at && x->load_at < x->sp) || (x->bp_at && x->bp_at < x->sp)) {
            return true;
        }
    }
    return false;
}

/* As walk_plainly, from the innermost frame. */
static void walk(struct model *m)
{
    struct spine *p = m->spine;
    const struct made_frame f = made_innermost(&m->made);
    const size_t count = made_walk(&m->made, f, m->step);
    struct spine_search search = spine_search(p);
    if (count == 0) {
        assert_false(spine_joins(p, f.ip, f.sp, f.bp, &search)); /* it leads nowhere now */
        return;
    }
    size_t i = 0;
    while (i < count && !spine_joins(p, m->step[i].ip, m->step[i].sp, m->step[i].bp, &search)) {
        m->fell_short += search.hold;
        i++;
    }
    if (i == count) {
        search.next = search.end;
        m->walked++;
    } else {
        assert_int_equal(spine_left(&search), count - i);
        assert_outer(m, count - i, count);
        m->joined++;
        m->joined_whole += i == 0;
    }
    if (!spine_extend(p, spine_left(&search), m->step, i)) {
        assert_true(leads_inward(m, i));
        assert_int_equal(p->count, 0);
        m->not_kept++;
        return;
    }
    assert_false(leads_inward(m, i));
    assert_int_equal(p->count, count);
    assert_outer(m, count, count);
    assert_int_equal(spine_holding(p, count), count);
}

static void the_rest_is_what_a_whole_walk_finds(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof *m);
    void *memory = calloc(1, spine_memory(MADE_DEPTH));
    assert_true(m && memory);
    m->seed = 9;
    m->spine = spine_init(memory, MADE_DEPTH);
    made_init(&m->made, 0x77);
    for (int i = 0; i < STEPS; i++) {
        run_on(m);
        walk(m);
        if (i % 4 == 0) {
            const struct made_stack before = m->made;
            spoil(m);
            walk(m);
            m->made = before;
            walk(m);
        }
    }
    print_message("%zu joined, %zu of them at once, %zu walked, %zu frames that did not hold\n",
                  m->joined, m->joined_whole, m->walked, m->fell_short);
    assert_true(m->joined > STEPS / 2 && m->joined_whole > STEPS / 20);
    assert_true(m->not_kept > 0);
    assert_true(m->walked > 100 && m->fell_short > STEPS / 100);
    free(memory);
    free(m);
}

static void what_does_not_fit_is_not_kept(void **state)
{
    (void)state;
    enum { SIZE = 4 };
    struct made_stack made;
    struct trace_step step[MADE_DEPTH];
    void *memory = calloc(1, spine_memory(SIZE));
    assert_non_null(memory);
    struct spine *p = spine_init(memory, SIZE);
    made_init(&made, 0);
    for (size_t depth = 1; depth <= SIZE + 1; depth++) {
        assert_int_equal(made_walk(&made, made_innermost(&made), step), depth);
        assert_int_equal(spine_extend(p, 0, step, depth), depth <= SIZE);
        assert_int_equal(p->count, depth <= SIZE ? depth : 0);
        made_call(&made, MADE_PLAIN, 1, 0, 0);
    }
    /* Nor words that lie further in than their frame: these need not be there next time. */
    step[0].load_at = step[0].sp - sizeof(uintptr_t);
    assert_false(spine_extend(p, 0, step, 2));
    assert_int_equal(p->count, 0);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_what_a_whole_walk_finds),
        cmocka_unit_test(what_does_not_fit_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
