/* SPDX-License-Identifier: MIT
 *
 * Known stacks, at random calls and returns on a made-up stack and changes of any of its words,
 * against a plain list of all stacks that were entered, compared word for word.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "made_stack.h"
#include "support.h"

#define STEPS 100000
#define DEEPEST 12
#define BUCKETS 1024

/* A stack that was entered: its innermost frame and the words that lead outward from it. */
struct listed {
    struct made_frame innermost;
    bool needs_bp;
    size_t words;
    uintptr_t at[3 * DEEPEST], held[3 * DEEPEST];
    const struct trace *trace;
    size_t next; /* in the list of its bucket: the place after that of another, or 0 */
};

struct model {
    struct traces traces;
    struct made_stack made;
    struct trace_step step[MADE_DEPTH];
    size_t n; /* steps; 0: what is on the stack is not one */
    struct listed *known;
    size_t count, bucket[BUCKETS];
    uint64_t seed;
    size_t found, passed_over, part, forgotten;
};

static size_t *bucket_of(struct model *m, struct made_frame f)
{
    return &m->bucket[(f.ip / 16 + f.sp / 8) % BUCKETS];
}

static void add_word(struct listed *k, uintptr_t at)
{
    k->at[k->words] = at;
    k->held[k->words++] = trace_load(at);
}

/* The stack from STEP[first] outward. */
static void list_add(struct model *m, size_t first, const struct trace *x)
{
    assert_true(m->count < TRACES_MAX);
    struct listed *k = &m->known[m->count++];
    const struct trace_step *step = &m->step[first];
    *k = (struct listed){.innermost = {step->ip, step->sp, step->bp}, .trace = x};
    k->needs_bp = rule_uses_bp(step->rule) ||
                  (rule_same_bp(step->rule) && made_needs_bp(m->step, m->n, first));
    for (size_t i = first; i + 1 < m->n; i++) {
        step = &m->step[i];
        add_word(k, step->at);
        if (step->load_at) {
            add_word(k, step->load_at);
        }
        if (step->bp_at && made_needs_bp(m->step, m->n, i)) {
            add_word(k, step->bp_at);
        }
    }
    size_t *bucket = bucket_of(m, k->innermost);
    k->next = *bucket;
    *bucket = m->count;
}

static const struct listed *list_find(struct model *m, struct made_frame f)
{
    const struct listed *k;
    for (size_t place = *bucket_of(m, f); place != 0; place = k->next) {
        k = &m->known[place - 1];
        bool same = k->innermost.ip == f.ip && k->innermost.sp == f.sp &&
                    (!k->needs_bp || k->innermost.bp == f.bp);
        for (size_t w = 0; same && w < k->words; w++) {
            same = trace_load(k->at[w]) == k->held[w];
        }
        if (same) {
            return k;
        }
    }
    return NULL;
}

/* What was entered for STEP: what is listed is the same frame again, all else is new. */
static void list_entered(struct model *m, const struct trace *x)
{
    for (size_t i = 0; i < m->n; i++, x = trace_outer(&m->traces, x)) {
        const struct trace_step *step = &m->step[i];
        const struct listed *known =
            list_find(m, (struct made_frame){step->ip, step->sp, step->bp});
        if (!known) {
            list_add(m, i, x);
        } else {
            assert_ptr_equal(x, known->trace);
        }
    }
    assert_int_equal(m->traces.used, m->count);
}

/* Returns from some calls, and calls others. */
static void run_on(struct model *m)
{
    static const uintptr_t junk[] = {0, 0x99, 1, UINTPTR_MAX};
    struct made_stack *made = &m->made;
    for (size_t n = support_below(&m->seed, 4); n > 0 && made->depth > 1; n--) {
        made_return(made);
    }
    for (size_t n = support_below(&m->seed, 5); n > 0 && made->depth < DEEPEST; n--) {
        uint64_t r = support_random(&m->seed);
        uintptr_t bp = r & 1 ? junk[r >> 1 & 3] : (uintptr_t)&made->word[r >> 1 & 255];
        made_call(made, (enum made_kind)(r >> 16 & 0xff) % MADE_KINDS, r >> 24 & 1, r >> 25 & 1,
                  bp);
    }
}

/* A word of the stack becomes something else: another of its words, or one close to what it was. */
static uintptr_t *spoil(struct model *m)
{
    uintptr_t innermost = made_innermost(&m->made).sp;
    size_t first = (size_t)((uintptr_t *)innermost - m->made.word);
    size_t used = MADE_WORDS - first;
    uintptr_t *word = &m->made.word[first + support_below(&m->seed, used)];
    uintptr_t other = m->made.word[first + support_below(&m->seed, used)];
    *word = support_below(&m->seed, 2) ? other : *word ^ (uintptr_t)8 << support_below(&m->seed, 8);
    return word;
}

/* Where nothing was found, the frames from MISS->x outward are those on the stack, up to
 * MISS->change, which leads elsewhere now. */
static void check_miss(struct model *m, const struct trace_miss *miss)
{
    const struct trace *x = miss->x;
    if (!x) {
        return;
    }
    for (const struct trace_step *step = m->step;; step++, x = trace_outer(&m->traces, x)) {
        assert_non_null(x);
        assert_true(x->ip == step->ip && x->sp == step->sp);
        assert_true(!x->uses_bp || x->bp == step->bp);
        if (x == miss->change) {
            break;
        }
        m->part++;
    }
    assert_false(trace_holds(x));
}

static void check_found(struct model *m, const struct trace *x)
{
    assert_true(m->n > 0);
    for (size_t i = 0; i < m->n; i++, x = trace_outer(&m->traces, x)) {
        assert_true(x->ip == m->step[i].ip && x->sp == m->step[i].sp);
    }
    assert_null(x);
    m->found++;
}

/* As stack_walk and what it calls. */
static void enter(struct model *m)
{
    struct trace_miss miss;
    struct made_frame f = {m->step->ip, m->step->sp, m->step->bp};
    struct trace *x = made_enter(&m->traces, m->step, m->n);
    if (!x) {
        assert_int_equal(m->traces.used, m->traces.limit);
        traces_grow(&m->traces);
        m->count = 0;
        memset(m->bucket, 0, sizeof m->bucket);
        m->forgotten++;
        x = made_enter(&m->traces, m->step, m->n);
        assert_non_null(x);
    }
    list_entered(m, x);
    const struct trace *recent = traces_at(&m->traces, *traces_recent(&m->traces, f.ip, f.sp));
    if (recent && recent->ip == f.ip && recent->sp == f.sp) {
        assert_ptr_equal(traces_find(&m->traces, f.ip, f.sp, f.bp, &miss), x);
    }
}

static void look_up(struct model *m, struct made_frame f)
{
    struct trace_miss miss = {0};
    const struct listed *known = list_find(m, f);
    struct trace *x = traces_find(&m->traces, f.ip, f.sp, f.bp, &miss);
    m->n = made_walk(&m->made, f, m->step);
    if (x) {
        assert_non_null(known);
        assert_ptr_equal(x, known->trace);
        check_found(m, x);
        return;
    }
    check_miss(m, &miss);
    m->passed_over += known != NULL;
    if (m->n > 0) {
        enter(m);
    } else {
        assert_null(known);
    }
}

static void stacks_are_those_of_a_plain_list(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof *m);
    void *memory = calloc(1, traces_memory());
    assert_true(m && memory);
    m->known = calloc(TRACES_MAX, sizeof *m->known);
    assert_non_null(m->known);
    m->seed = 4;
    traces_init(&m->traces, memory);
    made_init(&m->made, 0x77);
    for (int i = 0; i < STEPS; i++) {
        run_on(m);
        struct made_frame f = made_innermost(&m->made);
        look_up(m, f);
        if (i % 8 == 0) {
            f.bp ^= 64;
            look_up(m, f);
        } else if (i % 4 == 0) {
            struct made_stack before = m->made;
            uintptr_t *word = spoil(m), is = *word;
            look_up(m, f);
            m->made = before;
            look_up(m, f);
            *word = is;
            look_up(m, f);
            m->made = before;
        }
    }
    print_message("%zu found, %zu not though known, %zu frames passed, %zu times forgotten\n",
                  m->found, m->passed_over, m->part, m->forgotten);
    /* All of it happened, and most of what was known was found. */
    assert_true(m->forgotten > 1 && m->part > STEPS / 10);
    assert_true(m->found > STEPS / 3 && m->passed_over < m->found / 2);
    free(m->known);
    free(memory);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_are_those_of_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
