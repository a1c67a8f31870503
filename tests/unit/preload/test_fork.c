/* SPDX-License-Identifier: MIT
 *
 * A recorder with children of fork: each begins anew, or is left out, and its parent's figures stay
 * what they are.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump.h"
#include "keeping.h"
#include "process.h"
#include "recording.h"

/* What a child does; its exit status tells whether all went well. */
static int in_child(const char *path)
{
    feed_free(recording, RECORDING_BASE);                             /* inherited */
    feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 70); /* its own */
    feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 8192, 30);
    feed_free(recording, RECORDING_BASE + 8192);
    process_forked();
    clock_calibrate(&recording->clock);
    const struct dump_request request = {.reason = "exit", .pattern = path};
    return dump_write(recording, &request) == 0 ? 0 : 1;
}

static void a_child_begins_anew(void **state)
{
    (void)state;
    char pattern[4096], path[4096];
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE + 64, 500);
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
    d = recording_dump(); /* the parent's figures are untouched */
    totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_bytes"), 1500);
    assert_int_equal(parsed_number(totals, "free_count"), 0);
    json_decref(d);
}

/* Of threads that the child does not have. */
static void a_child_opens_the_locks_of_others(void **state)
{
    (void)state;
    struct recorder *r = recording;
    struct sys_lock *locks[] = {&r->lock, &r->live.lock, &r->rules.lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        feed_alloc(r, 0, SITE_malloc, RECORDING_BASE + (i << 4), 1000);
        atomic_store(&locks[i]->state, 1);
        pid_t child = fork();
        if (child == 0) {
            bool recorded = feed_alloc(r, 1, SITE_malloc, RECORDING_BASE + (i << 4) + 4096, 70);
            _exit(!recorded || atomic_load(&locks[i]->state) != 0);
        }
        atomic_store(&locks[i]->state, 0);
        assert_int_equal(support_end_of(child), 0);
    }
}

static void a_child_may_be_left_out(void **state)
{
    (void)state;
    recording->options.follow = FOLLOW_EXEC;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    pid_t child = fork();
    if (child == 0) {
        bool recorded = feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 70) ||
                        recorder_on(recording);
        _exit(recorded);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(feed_free(recording, RECORDING_BASE));
}

/* Under a launcher a child has to leave its parent's vault, which takes memory of its own. Without
 * that nothing is recorded, and nothing is written to what is its parent's. */
static void a_child_that_cannot_leave_the_vault_stops(void **state)
{
    (void)state;
    struct options options = support_options();
    options.keeper = keeping_begin();
    recording_restart(&options);
    assert_non_null(recording->vault.header);
    int file = keeping_receive();
    assert_true(file >= 0);
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit nothing = {4096, 4096};
        int limited = setrlimit(RLIMIT_AS, &nothing);
        bool recorded = feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 70);
        _exit(limited != 0 || recorded || recorder_on(recording) || recording->vault.header);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 8192, 30));
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_bytes"), 1030);
    assert_int_equal(parsed_number(totals, "alloc_count"), 2);
    assert_int_equal(parsed_number(totals, "free_count"), 0);
    json_decref(d);
    vault_leave(&recording->vault);
    close(file);
    keeping_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(a_child_begins_anew),
        RECORDING_TEST(a_child_opens_the_locks_of_others),
        RECORDING_TEST(a_child_may_be_left_out),
        RECORDING_TEST(a_child_that_cannot_leave_the_vault_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
