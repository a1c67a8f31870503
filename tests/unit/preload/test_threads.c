/* SPDX-License-Identifier: MIT
 *
 * A recorder with many threads: counts against what each thread itself counted.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording.h"

enum { THREADS = 4, OWN = 200, EVENTS = 15000 };

struct worker {
    pthread_t thread;
    int number, tid;
    uint64_t alloc_count, alloc_bytes, free_count, live_bytes, live_count, most;
    uint64_t size[OWN]; /* + 1; 0: no block */
    uintptr_t base;
};

static void end_thread(void)
{
    recorder_thread_end(recording, guard_tls.thread);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    char name[16];
    uint64_t seed = (uint64_t)w->number + 1;
    snprintf(name, sizeof name, "worker-%d", w->number);
    pthread_setname_np(pthread_self(), name);
    w->tid = gettid();
    for (int i = 0; i < EVENTS; i++) {
        size_t k = support_below(&seed, OWN);
        uintptr_t address = w->base + k * 4096;
        if (w->size[k]) {
            feed_free(recording, address);
            w->free_count++;
            w->live_bytes -= w->size[k] - 1;
            w->live_count--;
            w->size[k] = 0;
        } else {
            uint64_t size = support_below(&seed, 10000);
            feed_alloc(recording, (int)support_below(&seed, FEED_PLACES), SITE_malloc, address,
                       size);
            w->alloc_count++;
            w->alloc_bytes += size;
            w->live_bytes += size;
            w->live_count++;
            w->size[k] = size + 1;
        }
        w->most = w->live_bytes > w->most ? w->live_bytes : w->most;
    }
    end_thread();
    return NULL;
}

/* Frees what another thread left. */
static void *clean_up(void *arg)
{
    struct worker *w = arg;
    for (size_t k = 0; k < OWN; k++) {
        if (w->size[k]) {
            feed_free(recording, w->base + k * 4096);
        }
    }
    end_thread();
    return NULL;
}

static void run_all(struct worker *w, void *(*function)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        w[i].number = i;
        w[i].base = RECORDING_BASE + ((uintptr_t)i << 32);
        assert_int_equal(pthread_create(&w[i].thread, NULL, function, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(w[i].thread, NULL);
    }
}

static void assert_thread(const json_t *dump, const struct worker *w)
{
    json_t *threads = json_object_get(dump, "threads");
    char name[16];
    snprintf(name, sizeof name, "worker-%d", w->number);
    for (size_t i = 0; i < json_array_size(threads); i++) {
        json_t *t = json_array_get(threads, i);
        if (strcmp(json_string_value(json_object_get(t, "name")), name) == 0) {
            assert_int_equal(parsed_number(t, "tid"), w->tid);
            assert_int_equal(parsed_number(t, "alloc_count"), w->alloc_count);
            assert_int_equal(parsed_number(t, "alloc_bytes"), w->alloc_bytes);
            assert_int_equal(parsed_number(t, "free_count"), w->free_count);
            return;
        }
    }
    fail_msg("%s is not in the dump", name);
}

static void threads_are_counted_exactly(void **state)
{
    (void)state;
    static struct worker w[THREADS];
    run_all(w, work);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    uint64_t allocs = 0, frees = 0, bytes = 0, live = 0, most = 0;
    for (int i = 0; i < THREADS; i++) {
        allocs += w[i].alloc_count;
        frees += w[i].free_count;
        bytes += w[i].alloc_bytes;
        live += w[i].live_bytes;
        most += w[i].most;
        assert_thread(d, &w[i]);
    }
    assert_int_equal(parsed_number(totals, "alloc_count"), allocs);
    assert_int_equal(parsed_number(totals, "alloc_bytes"), bytes);
    assert_int_equal(parsed_number(totals, "free_count"), frees);
    assert_int_equal(parsed_number(totals, "live_bytes"), live);
    assert_int_equal(parsed_number(totals, "dropped_count"), 0);
    uint64_t peak = parsed_number(totals, "peak_bytes");
    uint64_t error = parsed_number(totals, "peak_error_bytes");
    assert_true(peak <= most + error); /* never all at their highest at once */
    assert_true(peak + error >= live);
    json_decref(d);
    run_all(w, clean_up);
    d = recording_dump();
    totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "live_bytes"), 0);
    assert_int_equal(parsed_number(totals, "live_count"), 0);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    assert_int_equal(parsed_number(totals, "alloc_count"), allocs);
    json_decref(d);
}

static void *allocate_once(void *arg)
{
    feed_alloc(recording, 0, SITE_malloc, (uintptr_t)arg, 16);
    end_thread();
    return NULL;
}

static void states_go_from_thread_to_thread(void **state)
{
    (void)state;
    enum { LIVES = RECORDER_THREAD_LOG + 100 };
    for (uintptr_t i = 0; i < LIVES; i++) {
        pthread_t thread;
        assert_int_equal(
            pthread_create(&thread, NULL, allocate_once, (void *)(RECORDING_BASE + i * 64)), 0);
        pthread_join(thread, NULL);
    }
    size_t states = 0;
    for (struct thread *t = recording->threads; t; t = t->next) {
        states++;
    }
    assert_int_equal(states, 1);
    assert_int_equal(recording->ended_count, RECORDER_THREAD_LOG);
    json_t *d = recording_dump(), *threads = json_object_get(d, "threads");
    assert_int_equal(parsed_number(json_object_get(d, "totals"), "alloc_count"), LIVES);
    assert_int_equal(parsed_number(json_object_get(d, "totals"), "peak_error_bytes"), 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < json_array_size(threads); i++) {
        sum += parsed_number(json_array_get(threads, i), "alloc_count");
    }
    assert_int_equal(sum, LIVES);
    assert_int_equal(json_array_size(threads), RECORDER_THREAD_LOG + 1);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(threads_are_counted_exactly),
        RECORDING_TEST(states_go_from_thread_to_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
