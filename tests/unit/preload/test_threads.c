/* SPDX-License-Identifier: MIT
 *
 * A recorder with many threads and with children: counts against what each thread itself counted.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump.h"
#include "feed.h"
#include "parsed.h"
#include "process.h"

#define BASE ((uintptr_t)0x600000000000)

static struct recorder *r;
static char out[4096];

static int setup(void **state)
{
    (void)state;
    support_enter_directory();
    struct options options = support_options();
    snprintf(out, sizeof out, "%s", support_path("dump.json"));
    options.out = out;
    r = support_recorder(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_recorder_end(r);
    support_leave_directory();
    return 0;
}

static json_t *dump_to(const char *path)
{
    const struct dump_request request = {.reason = "api", .pattern = path};
    clock_calibrate(&r->clock);
    assert_int_equal(dump_write(r, &request), 0);
    return parsed_dump(path);
}

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
    recorder_thread_end(r, guard_tls.thread);
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
            feed_free(r, address);
            w->free_count++;
            w->live_bytes -= w->size[k] - 1;
            w->live_count--;
            w->size[k] = 0;
        } else {
            uint64_t size = support_below(&seed, 10000);
            feed_alloc(r, (int)support_below(&seed, FEED_PLACES), SITE_malloc, address, size);
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
            feed_free(r, w->base + k * 4096);
        }
    }
    end_thread();
    return NULL;
}

static void run_all(struct worker *w, void *(*function)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        w[i].number = i;
        w[i].base = BASE + ((uintptr_t)i << 32);
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
    json_t *d = dump_to(out), *totals = json_object_get(d, "totals");
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
    d = dump_to(out);
    totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "live_bytes"), 0);
    assert_int_equal(parsed_number(totals, "live_count"), 0);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    assert_int_equal(parsed_number(totals, "alloc_count"), allocs);
    json_decref(d);
}

static void *allocate_once(void *arg)
{
    feed_alloc(r, 0, SITE_malloc, (uintptr_t)arg, 16);
    end_thread();
    return NULL;
}

static void states_go_from_thread_to_thread(void **state)
{
    (void)state;
    enum { LIVES = RECORDER_THREAD_LOG + 100 };
    for (uintptr_t i = 0; i < LIVES; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, allocate_once, (void *)(BASE + i * 64)), 0);
        pthread_join(thread, NULL);
    }
    size_t states = 0;
    for (struct thread *t = r->threads; t; t = t->next) {
        states++;
    }
    assert_int_equal(states, 1);
    assert_int_equal(r->ended_count, RECORDER_THREAD_LOG);
    json_t *d = dump_to(out), *threads = json_object_get(d, "threads");
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

/* What a child does; its exit status tells whether all went well. */
static int in_child(const char *path)
{
    feed_free(r, BASE);                             /* inherited */
    feed_alloc(r, 1, SITE_malloc, BASE + 4096, 70); /* its own */
    feed_alloc(r, 1, SITE_malloc, BASE + 8192, 30);
    feed_free(r, BASE + 8192);
    process_forked();
    clock_calibrate(&r->clock);
    const struct dump_request request = {.reason = "exit", .pattern = path};
    return dump_write(r, &request) == 0 ? 0 : 1;
}

static void a_child_begins_anew(void **state)
{
    (void)state;
    char pattern[4096], path[4096];
    feed_alloc(r, 0, SITE_malloc, BASE, 1000);
    feed_alloc(r, 0, SITE_malloc, BASE + 64, 500);
    snprintf(pattern, sizeof pattern, "%s", support_path("child.%p.json"));
    pid_t child = fork();
    if (child == 0) {
        _exit(in_child(pattern));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    snprintf(path, sizeof path, "%.*schild.%d.json", (int)(strrchr(pattern, '/') + 1 - pattern),
             pattern, child);
    json_t *d = parsed_dump(path), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_count"), 2);
    assert_int_equal(parsed_number(totals, "alloc_bytes"), 100);
    assert_int_equal(parsed_number(totals, "free_count"), 1);
    assert_int_equal(parsed_number(totals, "peak_bytes"), 100);
    assert_int_equal(parsed_number(totals, "unknown_free_count"), 0);
    json_t *inherited = json_object_get(d, "inherited");
    assert_int_equal(parsed_number(inherited, "live_count"), 1);
    assert_int_equal(parsed_number(inherited, "live_bytes"), 500);
    assert_int_equal(parsed_number(inherited, "free_count"), 1);
    json_t *process_of = json_object_get(d, "process");
    assert_int_equal(parsed_number(process_of, "pid"), child);
    assert_int_equal(parsed_number(json_object_get(process_of, "parent"), "pid"), getpid());
    json_decref(d);
    d = dump_to(out); /* the parent's figures are untouched */
    totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_bytes"), 1500);
    assert_int_equal(parsed_number(totals, "free_count"), 0);
    json_decref(d);
}

static void a_child_may_be_left_out(void **state)
{
    (void)state;
    r->options.follow = FOLLOW_EXEC;
    feed_alloc(r, 0, SITE_malloc, BASE, 1000);
    pid_t child = fork();
    if (child == 0) {
        bool recorded = feed_alloc(r, 1, SITE_malloc, BASE + 4096, 70) || recorder_on(r);
        _exit(recorded);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(feed_free(r, BASE));
}

int main(void)
{
#define WITH_RECORDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_RECORDER(threads_are_counted_exactly),
        WITH_RECORDER(states_go_from_thread_to_thread),
        WITH_RECORDER(a_child_begins_anew),
        WITH_RECORDER(a_child_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
