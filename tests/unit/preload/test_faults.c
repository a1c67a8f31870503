/* SPDX-License-Identifier: MIT
 *
 * A whole recorder's life while the kernel refuses memory: the Nth time, for every N until nothing
 * is refused any more, and from the Nth time on. The program must go on, and whatever was not
 * recorded must be counted. sys_map is wrapped by the linker.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "feed.h"
#include "parsed.h"
#include "process.h"

#define BASE ((uintptr_t)0x600000000000)
#define REGION ((uintptr_t)2 << 20)

void *__real_sys_map(size_t size);
void *__wrap_sys_map(size_t size);

static struct {
    unsigned calls, first, last; /* calls first .. last fail, counted from 1 */
} refuse;

void *__wrap_sys_map(size_t size)
{
    refuse.calls++;
    bool fails = refuse.calls >= refuse.first && refuse.calls <= refuse.last;
    return fails ? NULL : __real_sys_map(size);
}

static struct recorder r;
static const char *out;

/* Events that were recorded or counted as dropped; free_count alone is of the threads' since they
 * began, so that it is not used across threads. */
static uint64_t accounted(void)
{
    uint64_t n = counter_get(&r.dropped_count);
    for (struct thread *t = r.threads; t; t = t->next) {
        n += counter_get(&t->alloc_count) + counter_get(&t->dropped_count);
    }
    return n;
}

static size_t unaccounted; /* allocations */

static void allocate(int place, uintptr_t address, uint64_t size)
{
    uint64_t before = accounted();
    feed_alloc(&r, place, SITE_malloc, address, size);
    unaccounted += accounted() != before + 1;
}

/* Over several regions, with blocks that share a slot and large ones across the ends. */
static void *allocate_and_free(void *arg)
{
    uintptr_t base = *(const uintptr_t *)arg, low = base + 65536;
    for (uintptr_t i = 0; i < 40; i++) {
        allocate((int)(i % FEED_PLACES), low + i * REGION, 100);
        allocate((int)(i % 3), low + i * REGION + 128, 8);
        allocate((int)(i % 2), low + i * REGION + 136, i * 1000);
        allocate(5, base + (i + 1) * REGION - 32, 40000);
        if (i % 2) {
            feed_free(&r, low + i * REGION);
            feed_free(&r, low + i * REGION + 128);
            feed_realloc(&r, 4, low + i * REGION + 136, low + i * REGION + 144, 77, i % 4 == 1);
        }
    }
    for (uintptr_t i = 0; i < 40; i += 3) {
        feed_free(&r, base + (i + 1) * REGION - 32);
    }
    return NULL;
}

static void *allocate_and_end(void *arg)
{
    allocate_and_free(arg);
    if (guard_tls.thread) {
        recorder_thread_end(&r, guard_tls.thread);
    }
    return NULL;
}

static uint64_t sum_over_sites(const json_t *dump, const char *key)
{
    json_t *sites = json_object_get(dump, "sites");
    uint64_t sum = 0;
    for (size_t i = 0; i < json_array_size(sites); i++) {
        sum += parsed_number(json_array_get(sites, i), key);
    }
    return sum;
}

/* What was written is a dump that adds up; otherwise nothing is left. */
static void check_dump(void)
{
    const struct dump_request request = {.reason = "exit"};
    if (dump_write(&r, &request) != 0) {
        assert_int_equal(support_entries(support_path(".")), 0);
        return;
    }
    json_t *d = json_load_file(out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(d);
    json_t *totals = json_object_get(d, "totals");
    static const char *const shared[] = {"alloc_count", "alloc_bytes", "free_count", "freed_bytes",
                                         "live_count",  "live_bytes",  "peak_bytes"};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        assert_int_equal(sum_over_sites(d, shared[i]), parsed_number(totals, shared[i]));
    }
    assert_int_equal(parsed_number(totals, "live_bytes"),
                     parsed_number(totals, "alloc_bytes") - parsed_number(totals, "freed_bytes"));
    uint64_t recorded = 0;
    for (struct thread *t = r.threads; t; t = t->next) {
        recorded += counter_get(&t->alloc_count);
    }
    assert_int_equal(parsed_number(totals, "alloc_count"), recorded);
    json_decref(d);
    unlink(out);
}

/* One life. Returns how many times memory was asked for. */
static unsigned live(unsigned first, unsigned last, bool threads)
{
    struct options options = support_options();
    options.out = out;
    memset(&r, 0, sizeof r);
    memset(&guard_tls, 0, sizeof guard_tls);
    unaccounted = 0;
    refuse.calls = 0;
    refuse.first = first;
    refuse.last = last;
    if (recorder_start(&r, &options) == 0) {
        guard_tls.internal = true;
        recorder_load_unwinder(&r);
        guard_tls.internal = false;
        assert_true(r.unwinder || r.unwind_trouble);
        static uintptr_t base = BASE, other = BASE + (BASE >> 4);
        allocate_and_free(&base);
        pthread_t thread;
        if (threads) {
            assert_int_equal(pthread_create(&thread, NULL, allocate_and_end, &other), 0);
            pthread_join(thread, NULL);
        }
        assert_int_equal(unaccounted, 0);
        check_dump();
    } else {
        assert_false(recorder_on(&r));
    }
    unsigned calls = refuse.calls;
    refuse.first = refuse.last = 0;
    guard_tls.thread = NULL;
    for (int part = 0; part < PARTS; part++) {
        arena_pool_clear(&r.counts[part]);
        arena_pool_clear(&r.kept[part]);
        arena_pool_clear(&recorder.kept[part]);
    }
    return calls;
}

static void sweep(bool threads, bool ever_after)
{
    unsigned n = 1;
    while (live(n, ever_after ? UINT32_MAX : n, threads) >= n) {
        n++;
    }
    assert_true(n > 20);
}

static void any_one_refusal_is_survived(void **state)
{
    (void)state;
    sweep(false, false);
}

static void any_one_refusal_with_threads(void **state)
{
    (void)state;
    sweep(true, false);
}

static void refusals_without_end_are_survived(void **state)
{
    (void)state;
    sweep(false, true);
    sweep(true, true);
}

static void nothing_refused_nothing_dropped(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        live(0, 0, threads);
        assert_int_equal(counter_get(&r.dropped_count), 0);
    }
}

static int setup(void **state)
{
    (void)state;
    static char path[4096], name[] = "unit-test", *argv[] = {name, NULL};
    support_enter_directory();
    snprintf(path, sizeof path, "%s", support_path("dump.json"));
    out = path;
    process_describe(argv);
    support_catch_stderr(); /* many dumps are not written */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    const char *said = support_caught_stderr();
    support_leave_directory();
    /* Each in one line, of a dump that was not written. */
    for (const char *line = said; *line; line = strchr(line, '\n') + 1) {
        if (!strchr(line, '\n')) {
            break;
        }
        if (strncmp(line, "memprof: ", 9) != 0) {
            print_error("%s", line);
            return -1;
        }
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_refused_nothing_dropped),
        cmocka_unit_test(any_one_refusal_is_survived),
        cmocka_unit_test(any_one_refusal_with_threads),
        cmocka_unit_test(refusals_without_end_are_survived),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
