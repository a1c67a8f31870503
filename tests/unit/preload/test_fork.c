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
#include "memory.h"
#include "process.h"
#include "recording.h"
#include "roomy.h"

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

/* On the stack with room all signals are masked; elsewhere, as under sanitizers, not. */
static void note_masked(void *masked)
{
    *(bool *)masked = guard_tls.masked;
}

static void a_child_has_the_stack_with_room(void **state)
{
    (void)state;
    bool usual = false;
    roomy_call(note_masked, &usual);
    support_occupy_room();
    pid_t child = fork();
    if (child == 0) {
        bool masked = !usual;
        feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE, 70);
        roomy_call(note_masked, &masked);
        _exit(masked != usual);
    }
    support_vacate_room();
    assert_int_equal(support_end_of(child), 0);
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

/* In a sandbox that forbids what a new beginning takes. */
static void a_shut_in_child_is_left_out(void **state)
{
    (void)state;
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    const pid_t child = fork();
    if (child == 0) {
        recording->vault.shut = true;
        const bool recorded = feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, 70);
        _exit(recorded || recorder_on(recording));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(feed_free(recording, RECORDING_BASE));
}

static void under_a_launcher(int *file)
{
    struct options options = support_options();
    options.keeper = keeping_begin();
    recording_restart(&options);
    assert_non_null(recording->vault.header);
    *file = keeping_receive();
    assert_true(*file >= 0);
}

static void no_launcher(int file)
{
    vault_leave(&recording->vault);
    close(file);
    keeping_end();
}

static size_t mapped(void)
{
    struct memory_pages pages;
    memory_pages(&pages);
    return pages.size_bytes;
}

/* Handlers that interrupt the recorder fork, and jump out of it before they come to the end of
 * that: what was copied for their children goes with the thread's next fork. */
static void forks_that_were_jumped_out_of(void **state)
{
    (void)state;
    int file;
    under_a_launcher(&file);
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    const size_t before = mapped();
    assert_true(guard_enter(GUARD_HERE));
    recorder_before_fork(recording);
    assert_non_null(guard_tls.fork.copy);
    struct vault_copy *const outer = guard_tls.fork.copy;
    recorder_before_fork(recording);
    assert_ptr_not_equal(guard_tls.fork.copy, outer);
    recorder_after_fork();
    assert_ptr_equal(guard_tls.fork.copy, outer);
    recorder_before_fork(recording);
    guard_leave();
    recorder_before_fork(recording); /* outside of it nothing is copied */
    assert_true(guard_tls.fork.valid);
    recorder_after_fork();
    assert_false(guard_tls.fork.valid);
    assert_null(guard_tls.fork.copy);
    assert_int_equal(mapped(), before);
    no_launcher(file);
}

/* There is a whole copy or none, and nothing is left of what was begun. */
static void without_memory_there_is_no_copy(void **state)
{
    (void)state;
    int file;
    bool copied = false;
    struct rlimit before, limit;
    under_a_launcher(&file);
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 1000);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    const size_t size = mapped();
    assert_true(guard_enter(GUARD_HERE));
    for (size_t more = 0; !copied; more += 1 << 16) {
        limit.rlim_cur = size + more;
        assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
        recorder_before_fork(recording);
        assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
        copied = guard_tls.fork.copy != NULL;
        assert_true(copied || mapped() == size);
        assert_true(!copied || more > recording->vault.extent[0].size);
        recorder_after_fork();
        assert_int_equal(mapped(), size);
    }
    guard_leave();
    no_launcher(file);
}

/* Under a launcher a child has to leave its parent's vault, which takes memory of its own. Without
 * that nothing is recorded, and nothing is written to what is its parent's. */
static void a_child_that_cannot_leave_the_vault_stops(void **state)
{
    (void)state;
    int file;
    under_a_launcher(&file);
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
    no_launcher(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(a_child_begins_anew),
        RECORDING_TEST(a_child_opens_the_locks_of_others),
        RECORDING_TEST(a_child_has_the_stack_with_room),
        RECORDING_TEST(a_child_may_be_left_out),
        RECORDING_TEST(a_shut_in_child_is_left_out),
        RECORDING_TEST(forks_that_were_jumped_out_of),
        RECORDING_TEST(without_memory_there_is_no_copy),
        RECORDING_TEST(a_child_that_cannot_leave_the_vault_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
