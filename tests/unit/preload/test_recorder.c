/* SPDX-License-Identifier: MIT
 *
 * Recorders of the test's own, fed by hand; their dumps against a model that copies everything at
 * each new peak.
 */
#include "recorder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump.h"
#include "recording.h"

/* The model. */
enum { MALLOC, CALLOC, REALLOC, KINDS };
static const enum site_function functions[KINDS] = {SITE_malloc, SITE_calloc, SITE_realloc};
static const char *const names[KINDS] = {"malloc", "calloc", "realloc"};

struct figures {
    uint64_t alloc_count, alloc_bytes, free_count, freed_bytes;
    uint64_t realloc_count, failed_count, temporary_count;
    uint64_t live_count, live_bytes, peak_count, peak_bytes, max_live_bytes;
    uint64_t size_log2[64];
};

enum { SLOTS = 400 };
static struct {
    struct figures site[FEED_PLACES][KINDS], total;
    struct {
        bool live;
        int place, kind;
        uint64_t size;
    } block[SLOTS];
    size_t last; /* slot + 1 of the most recent block */
} model;

static uintptr_t address_of(size_t slot)
{
    return RECORDING_BASE + slot * 4096 + slot % 4 * 8;
}

static void model_change(struct figures *f, int64_t count, int64_t bytes)
{
    f->live_count += (uint64_t)count;
    f->live_bytes += (uint64_t)bytes;
    if (count > 0) {
        f->alloc_count++;
        f->alloc_bytes += (uint64_t)bytes;
    } else {
        f->free_count++;
        f->freed_bytes -= (uint64_t)bytes;
    }
    f->max_live_bytes = f->live_bytes > f->max_live_bytes ? f->live_bytes : f->max_live_bytes;
}

static void model_alloc(size_t slot, int place, int kind, uint64_t size)
{
    struct figures *f = &model.site[place][kind];
    model.block[slot].live = true;
    model.block[slot].place = place;
    model.block[slot].kind = kind;
    model.block[slot].size = size;
    model.last = slot + 1;
    unsigned bits = 0;
    while (size >> bits) {
        bits++;
    }
    f->size_log2[bits]++;
    model_change(f, 1, (int64_t)size);
    model_change(&model.total, 1, (int64_t)size);
    if (model.total.live_bytes > model.total.peak_bytes) {
        model.total.peak_bytes = model.total.live_bytes;
        model.total.peak_count = model.total.live_count;
        for (int i = 0; i < FEED_PLACES * KINDS; i++) {
            struct figures *s = &model.site[i / KINDS][i % KINDS];
            s->peak_bytes = s->live_bytes;
            s->peak_count = s->live_count;
        }
    }
}

static void model_free(size_t slot)
{
    struct figures *f = &model.site[model.block[slot].place][model.block[slot].kind];
    int64_t size = (int64_t)model.block[slot].size;
    model.block[slot].live = false;
    bool temporary = model.last == slot + 1;
    model.last = temporary ? 0 : model.last;
    f->temporary_count += temporary;
    model.total.temporary_count += temporary;
    model_change(f, -1, -size);
    model_change(&model.total, -1, -size);
}

static void random_event(uint64_t *seed)
{
    size_t slot = support_below(seed, SLOTS), to = support_below(seed, SLOTS);
    int place = (int)support_below(seed, FEED_PLACES), kind = (int)support_below(seed, 2);
    uint64_t size = 1 + support_below(seed, support_below(seed, 2) ? 60 : 100000);
    if (support_below(seed, 50) == 0) {
        feed_failure(recording, place, functions[kind]);
        model.site[place][kind].failed_count++;
        model.total.failed_count++;
    } else if (!model.block[slot].live) {
        feed_alloc(recording, place, functions[kind], address_of(slot), size);
        model_alloc(slot, place, kind, size);
    } else if (support_below(seed, 3) > 0) {
        feed_free(recording, address_of(slot));
        model_free(slot);
    } else if (to == slot || !model.block[to].live) {
        bool fails = support_below(seed, 4) == 0;
        feed_realloc(recording, place, address_of(slot), address_of(to), size, fails);
        struct figures *f = &model.site[place][REALLOC];
        if (fails) {
            f->failed_count++;
            model.total.failed_count++;
        } else {
            model_free(slot);
            model_alloc(to, place, REALLOC, size);
            f->realloc_count++;
            model.total.realloc_count++;
        }
    }
}

static void assert_figures(const json_t *found, const struct figures *f, bool is_site)
{
#define SAME(name) assert_int_equal(parsed_number(found, #name), f->name)
    SAME(alloc_count);
    SAME(alloc_bytes);
    SAME(free_count);
    SAME(freed_bytes);
    SAME(realloc_count);
    SAME(failed_count);
    SAME(temporary_count);
    SAME(live_count);
    SAME(live_bytes);
    SAME(peak_count);
    SAME(peak_bytes);
    if (is_site) {
        SAME(max_live_bytes);
        json_t *sizes = json_object_get(found, "size_log2");
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(json_integer_value(json_array_get(sizes, i)), f->size_log2[i]);
        }
    }
#undef SAME
}

/* The address that SITE's innermost frame returns to, from what the dump says of its module. */
static uintptr_t ip_of(const json_t *dump, const json_t *site)
{
    json_t *frame = json_array_get(json_object_get(dump, "frames"), parsed_number(site, "frame"));
    uint64_t offset = (uint64_t)json_integer_value(json_array_get(frame, 2));
    json_t *module = json_array_get(json_object_get(dump, "modules"),
                                    (size_t)json_integer_value(json_array_get(frame, 1)));
    assert_non_null(module);
    return offset + parsed_number(module, "start") - parsed_number(module, "file_offset");
}

static void assert_sites(const json_t *dump)
{
    size_t found = 0, expected = 0;
    json_t *sites = json_object_get(dump, "sites");
    for (int i = 0; i < FEED_PLACES * KINDS; i++) {
        const struct figures *f = &model.site[i / KINDS][i % KINDS];
        expected += f->alloc_count + f->failed_count > 0;
        for (size_t k = 0; k < json_array_size(sites); k++) {
            json_t *site = json_array_get(sites, k);
            const char *function = json_string_value(json_object_get(site, "function"));
            if (ip_of(dump, site) == feed_ip[i / KINDS] &&
                strcmp(function, names[i % KINDS]) == 0) {
                assert_figures(site, f, true);
                found++;
            }
        }
    }
    assert_int_equal(json_array_size(sites), expected);
    assert_int_equal(found, expected);
}

static void a_random_program_is_counted_exactly(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 6; run++) {
        struct options options = support_options();
        options.max_depth = 1; /* so that a place is a site, wherever it is called from */
        recording_restart(&options);
        memset(&model, 0, sizeof model);
        uint64_t seed = run * 65537;
        for (int i = 0; i < 20000; i++) {
            random_event(&seed);
        }
        json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
        assert_figures(totals, &model.total, false);
        assert_int_equal(parsed_number(totals, "peak_error_bytes"), 0);
        assert_int_equal(parsed_number(totals, "dropped_count"), 0);
        assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
        assert_int_equal(parsed_number(totals, "missed_free_count"), 0);
        assert_int_equal(parsed_number(totals, "truncated_stack_count"),
                         model.total.alloc_count + model.total.failed_count);
        assert_sites(d);
        json_decref(d);
    }
}

static void what_was_not_seen_is_counted(void **state)
{
    (void)state;
    feed_free(recording, RECORDING_BASE);
    feed_realloc(recording, 0, RECORDING_BASE, RECORDING_BASE + 64, 10,
                 false); /* of an unknown block */
    feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 100);
    feed_alloc(recording, 2, SITE_malloc, RECORDING_BASE + 4096,
               50); /* again, without a free between */
    feed_alloc(recording, 3, SITE_malloc, RECORDING_BASE + 8192, 0);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 2);
    assert_int_equal(parsed_number(totals, "missed_free_count"), 1);
    assert_int_equal(parsed_number(totals, "alloc_count"), 4);
    assert_int_equal(parsed_number(totals, "live_count"), 3);
    assert_int_equal(parsed_number(totals, "live_bytes"), 60);
    assert_int_equal(parsed_number(totals, "peak_bytes"), 110);
    assert_int_equal(parsed_number(totals, "realloc_count"), 1);
    json_decref(d);
}

static void a_failed_realloc_keeps_the_block(void **state)
{
    (void)state;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    feed_realloc(recording, 1, RECORDING_BASE, RECORDING_BASE, 5000, true);
    feed_realloc(recording, 1, RECORDING_BASE + 64, 0, 5000,
                 true); /* of an unknown block: nothing to keep */
    feed_free(recording, RECORDING_BASE);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "failed_count"), 2);
    assert_int_equal(parsed_number(totals, "realloc_count"), 0);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    assert_int_equal(parsed_number(totals, "free_count"), 1);
    assert_int_equal(parsed_number(totals, "peak_bytes"), 1000);
    json_decref(d);
}

/* Another thread is looked at, allocates; this one frees that, and is looked at. */
static void what_is_live_is_never_less_than_nothing(void **state)
{
    (void)state;
    uint64_t bytes, count;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 100);
    struct thread *t = guard_tls.thread;
    peak_change_alone(&t->share, -130);
    counter_add(&t->live_count, (uint64_t)-2);
    recorder_live(recording, &bytes, &count);
    assert_int_equal(bytes, 0);
    assert_int_equal(count, 0);
    peak_change_alone(&t->share, 150);
    counter_add(&t->live_count, 3);
    recorder_live(recording, &bytes, &count);
    assert_int_equal(bytes, 120);
    assert_int_equal(count, 2);
}

static void nested_calls_are_told_apart(void **state)
{
    (void)state;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 100);
    assert_true(guard_enter((uintptr_t)__builtin_frame_address(0)));
    /* Of a signal handler's: dropped, and its free is known. */
    recorder_nested_alloc(recording, RECORDING_BASE + 4096, 10,
                          (uintptr_t)&nested_calls_are_told_apart);
    recorder_nested_alloc(recording, RECORDING_BASE + 8192, 10,
                          (uintptr_t)&nested_calls_are_told_apart);
    recorder_nested_free(recording, RECORDING_BASE + 8192);
    guard_tls.internal = true; /* of the recorder's own */
    recorder_nested_alloc(recording, RECORDING_BASE + 12288, 10,
                          (uintptr_t)&nested_calls_are_told_apart);
    guard_tls.internal = false;
    recorder_nested_free(recording, RECORDING_BASE); /* a handler frees a counted block */
    recorder_nested_free(recording, RECORDING_BASE + 999);
    guard_leave();
    feed_free(recording, RECORDING_BASE + 4096);
    feed_free(recording, RECORDING_BASE + 12288);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "dropped_count"), 2);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    assert_int_equal(parsed_number(totals, "alloc_count"), 1);
    assert_int_equal(parsed_number(totals, "free_count"), 1); /* drained by the next event */
    json_decref(d);
}

static void many_nested_frees_are_not_lost_silently(void **state)
{
    (void)state;
    enum { BLOCKS = THREAD_PENDING + 5 };
    for (uintptr_t i = 0; i < BLOCKS; i++) {
        feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE + i * 64, 10);
    }
    for (uintptr_t i = 0; i < BLOCKS; i++) {
        recorder_nested_free(recording, RECORDING_BASE + i * 64);
    }
    feed_failure(recording, 0, SITE_malloc);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "free_count"), THREAD_PENDING);
    assert_int_equal(parsed_number(totals, "dropped_count"), 5);
    json_decref(d);
}

static void what_is_due_is_told(void **state)
{
    (void)state;
    const struct stack_start start = SUPPORT_CALLER;
    struct thread *t = recorder_thread(recording);
    assert_non_null(t);
    assert_true(recorder_alloc(recording, t, SITE_malloc, RECORDING_BASE, 1, &start,
                               false)); /* the first row */
    atomic_store(&recording->deadline, clock_ticks() + ((uint64_t)1 << 50));
    assert_false(recorder_alloc(recording, t, SITE_malloc, RECORDING_BASE + 64, 1, &start, false));
    atomic_store(&recording->deadline, 0);
    assert_true(recorder_alloc(recording, t, SITE_malloc, RECORDING_BASE + 128, 1, &start, false));
}

static void a_stopped_recorder_has_no_threads(void **state)
{
    (void)state;
    atomic_store(&recording->enabled, false);
    assert_false(feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1));
    assert_false(feed_free(recording, RECORDING_BASE));
}

static void verified_stacks_agree(void **state)
{
    (void)state;
    recording->options.verify = true;
    unwinder_load_plain(recording->unwinder);
    for (uintptr_t i = 0; i < 100; i++) {
        feed_alloc(recording, (int)(i % FEED_PLACES), SITE_malloc, RECORDING_BASE + i * 64, 10);
    }
    json_t *d = recording_dump(), *verify = json_object_get(d, "verify");
    assert_int_equal(parsed_number(verify, "compared"), 100);
    assert_int_equal(parsed_number(verify, "different"), 0);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(a_random_program_is_counted_exactly),
        RECORDING_TEST(what_was_not_seen_is_counted),
        RECORDING_TEST(a_failed_realloc_keeps_the_block),
        RECORDING_TEST(what_is_live_is_never_less_than_nothing),
        RECORDING_TEST(nested_calls_are_told_apart),
        RECORDING_TEST(many_nested_frees_are_not_lost_silently),
        RECORDING_TEST(what_is_due_is_told),
        RECORDING_TEST(a_stopped_recorder_has_no_threads),
        RECORDING_TEST(verified_stacks_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
