/* SPDX-License-Identifier: MIT
 *
 * What one thread alone takes for its own, where another begins to record or writes a dump.
 */
#include <pthread.h>
#include <string.h>

#include "recording.h"

/* The calls of sys_sleep_ns, which do not sleep; at the one with number `last` what is waited for
 * comes about. */
static struct {
    unsigned calls, last;
    uintptr_t *frame; /* of the thread that was alone: leaves the recorder */
    counter *events;  /* of it: counts two more */
} sleeps;

void __wrap_sys_sleep_ns(uint32_t ns);
void __wrap_sys_sleep_ns(uint32_t ns)
{
    assert_true(ns > 0);
    if (++sleeps.calls != sleeps.last) {
        return;
    }
    if (sleeps.frame) {
        *sleeps.frame = 0;
    }
    if (sleeps.events) {
        counter_add(sleeps.events, 2);
    }
}

static void *record(void *arg)
{
    assert_true(feed_alloc(recording, 1, SITE_malloc, *(uintptr_t *)arg, 100));
    recorder_thread_end(recording, guard_tls.thread);
    return NULL;
}

/* Runs FUNCTION in a thread. */
static void in_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
    pthread_join(thread, NULL);
}

/* How often a thread that begins to record sleeps, while this one is in an event, if WITHIN. */
static unsigned sleeps_to_begin(bool within, unsigned last, uintptr_t *frame, counter *events)
{
    uintptr_t block = RECORDING_BASE + 4096;
    sleeps.calls = 0;
    sleeps.last = last;
    sleeps.frame = frame;
    sleeps.events = events;
    assert_true(feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000));
    guard_tls.frame = within;
    in_thread(record, &block);
    guard_tls.frame = 0;
    assert_null(atomic_load(&recording->alone));
    return sleeps.calls;
}

static void an_event_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(sleeps_to_begin(true, 7, &guard_tls.frame, NULL), 7);
}

/* Others may begin at once, so that none is seen to end. */
static void or_that_others_were_counted_since(void **state)
{
    (void)state;
    assert_true(feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE + 8192, 1));
    assert_int_equal(sleeps_to_begin(true, 5, NULL, &guard_tls.thread->alloc_count), 5);
}

static void where_there_is_none_only_for_it_to_be_seen(void **state)
{
    (void)state;
    uintptr_t block = RECORDING_BASE + 12288;
    assert_int_equal(sleeps_to_begin(false, 0, NULL, NULL), 1);
    in_thread(record, &block); /* in the state of the second */
    assert_int_equal(sleeps.calls, 1);
}

static void one_that_never_ends_is_not_waited_for_any_more(void **state)
{
    (void)state;
    assert_in_range(sleeps_to_begin(true, 0, NULL, NULL), 100, 1000);
    json_t *d = recording_dump();
    assert_int_equal(parsed_number(json_object_get(d, "totals"), "live_bytes"), 1100);
    json_decref(d);
}

static void *dump(void *arg)
{
    assert_null(guard_tls.thread);
    *(json_t **)arg = recording_dump();
    assert_null(guard_tls.thread);
    return NULL;
}

/* The dump of a thread that has recorded nothing, which must not change what this one alone may. */
static void assert_aside(int64_t live, int64_t peak, int64_t count)
{
    json_t *d = NULL;
    const struct peak before = recording->peak;
    in_thread(dump, &d);
    const json_t *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "live_bytes"), live);
    assert_int_equal(parsed_number(totals, "peak_bytes"), peak);
    assert_int_equal(parsed_number(totals, "peak_count"), count);
    assert_int_equal(parsed_number(totals, "peak_error_bytes"), 0);
    assert_memory_equal(&before, &recording->peak, sizeof before);
    json_decref(d);
}

static void a_dump_from_aside_leaves_the_peak_alone(void **state)
{
    (void)state;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    assert_aside(1000, 1000, 1); /* as if the total were about to fall */
    feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 500);
    assert_aside(1500, 1500, 2);
    feed_free(recording, RECORDING_BASE);
    assert_aside(500, 1500, 2); /* kept by the thread itself */
    feed_alloc(recording, 2, SITE_malloc, RECORDING_BASE, 3000);
    assert_aside(3500, 3500, 2);
    feed_free(recording, RECORDING_BASE);
    feed_free(recording, RECORDING_BASE + 4096);
    assert_aside(0, 3500, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(an_event_is_waited_for),
        RECORDING_TEST(or_that_others_were_counted_since),
        RECORDING_TEST(where_there_is_none_only_for_it_to_be_seen),
        RECORDING_TEST(one_that_never_ends_is_not_waited_for_any_more),
        RECORDING_TEST(a_dump_from_aside_leaves_the_peak_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
