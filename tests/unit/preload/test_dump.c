/* SPDX-License-Identifier: MIT
 *
 * What is in a dump besides counts, where it goes, and what is said when it cannot be written.
 */
#include "dump.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump_sites.h"
#include "plugin.h"
#include "recording.h"

static int setup(void **state)
{
    recording_setup(state);
    feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, 100);
    clock_calibrate(&recording->clock);
    return 0;
}

static void write_as(const char *reason, const char *pattern)
{
    const struct dump_request request = {.reason = reason, .pattern = pattern};
    assert_int_equal(dump_write(recording, &request), 0);
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "(missing)";
}

static void a_dump_says_what_it_is_of(void **state)
{
    (void)state;
    char exe[4096], cwd[4096], hostname[256];
    assert_non_null(realpath("/proc/self/exe", exe));
    assert_non_null(getcwd(cwd, sizeof cwd));
    gethostname(hostname, sizeof hostname);
    write_as("exit", NULL);
    json_t *d = parsed_dump(recording_out), *process_of = json_object_get(d, "process");
    assert_string_equal(text(d, "format"), "memprof-dump");
    assert_int_equal(parsed_number(d, "version"), 1);
    assert_string_equal(text(d, "producer"), "memprof " MEMPROF_VERSION);
    assert_int_equal(parsed_number(process_of, "pid"), getpid());
    assert_int_equal(parsed_number(process_of, "ppid"), getppid());
    assert_string_equal(text(process_of, "exe"), exe);
    assert_string_equal(text(process_of, "cwd"), cwd);
    assert_string_equal(text(process_of, "hostname"), hostname);
    json_t *argv = json_object_get(process_of, "argv");
    assert_int_equal(json_array_size(argv), 1);
    assert_string_equal(json_string_value(json_array_get(argv, 0)), "unit-test");
    assert_true(json_is_null(json_object_get(process_of, "parent")));
    assert_string_equal(text(json_object_get(d, "mode"), "kind"), "exact");
    json_decref(d);
}

static void reasons_and_sequence(void **state)
{
    (void)state;
    static const char *const reasons[] = {"exit", "signal", "interval", "api", "exec"};
    uint64_t elapsed = 0;
    for (size_t i = 0; i < 5; i++) {
        write_as(reasons[i], NULL);
        json_t *d = parsed_dump(recording_out), *of = json_object_get(d, "dump");
        assert_string_equal(text(of, "reason"), reasons[i]);
        assert_int_equal(parsed_number(of, "sequence"), i);
        assert_true(parsed_number(of, "elapsed_ns") > elapsed);
        assert_true(json_is_true(json_object_get(of, "complete")));
        elapsed = parsed_number(of, "elapsed_ns");
        json_decref(d);
    }
    assert_int_equal(support_entries(support_path(".")), 1);
}

static void the_name_that_was_used_is_told(void **state)
{
    (void)state;
    char path[OUTFILE_PATH_MAX] = "", pattern[4096], expected[4096];
    snprintf(pattern, sizeof pattern, "%s", support_path("sub/%p-%n.json"));
    snprintf(expected, sizeof expected, "%s/%d-0.json", support_path("sub"), getpid());
    const struct dump_request request = {.reason = "api", .pattern = pattern, .path = path};
    assert_int_equal(dump_write(recording, &request), 0);
    assert_string_equal(path, expected);
    json_decref(parsed_dump(path));
}

static void a_written_dump_is_named_if_wanted(void **state)
{
    (void)state;
    char line[5000];
    snprintf(line, sizeof line, "memprof: '%s': dump written\n", recording_out);
    struct dump_request request = {.reason = "api"};
    for (uint32_t verbose = 0; verbose <= 2; verbose++) {
        for (int quiet = 0; quiet < 2; quiet++) {
            recording->options.verbose = verbose;
            request.quiet = quiet;
            support_catch_stderr();
            dump_write(recording, &request);
            assert_string_equal(support_caught_stderr(), verbose && !quiet ? line : "");
        }
    }
}

static void fails_with(const char *path, const char *message)
{
    recording->complained = 0; /* each kind of trouble is told once */
    char line[5000], unchanged[OUTFILE_PATH_MAX] = "unchanged";
    snprintf(line, sizeof line, "memprof: '%s': cannot write the dump: %s\n", path, message);
    const struct dump_request request = {.reason = "api", .pattern = path, .path = unchanged};
    support_catch_stderr();
    int result = dump_write(recording, &request);
    assert_string_equal(support_caught_stderr(), line);
    assert_int_equal(result, -1);
    assert_string_equal(unchanged, "unchanged");
}

static void what_cannot_be_written_is_told_in_a_line(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", support_path("fifo"));
    assert_int_equal(mkfifo(path, 0600), 0);
    fails_with(path, "is not a regular file");
    fails_with("/", "is a directory, expected the name of a file");
    fails_with("/tmp", "is a directory, expected the name of a file");
    fails_with("/no-such-directory/", "is a directory, expected the name of a file");
    fails_with("/dev/full", "is not a regular file");
    snprintf(path, sizeof path, "%s", support_path("fifo/x.json"));
    fails_with(path, "a part of the path is not a directory");
    fails_with("/proc/no-such-directory/x.json", "no such directory");
    assert_int_equal(support_entries(support_path(".")), 1);
    write_as("api", NULL); /* it was none of the recorder's fault */
    json_decref(parsed_dump(recording_out));
}

/* A file that may not grow: no signal reaches the program, and the old dump stays. */
static void a_file_too_large_harms_nobody(void **state)
{
    (void)state;
    write_as("api", NULL);
    char *old = support_read(recording_out);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){100, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const struct dump_request request = {.reason = "api"};
    int saved = fcntl(2, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, 2);
    int result = dump_write(recording, &request); /* SIGXFSZ would end the test */
    dup2(saved, 2);
    setrlimit(RLIMIT_FSIZE, &before);
    close(null);
    close(saved);
    assert_int_equal(result, -1);
    char *now = support_read(recording_out);
    assert_string_equal(now, old);
    free(now);
    free(old);
    assert_int_equal(support_entries(support_path(".")), 1);
}

/* A signal of the program's own that waits for it is not taken for one that writing caused. */
static void pending_signals_stay(void **state)
{
    (void)state;
    sigset_t ours, before, pending;
    sigemptyset(&ours);
    sigaddset(&ours, SIGPIPE);
    sigaddset(&ours, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &ours, &before);
    raise(SIGPIPE);
    raise(SIGXFSZ);
    write_as("signal", NULL);
    sigpending(&pending);
    const struct timespec none = {0};
    while (sigtimedwait(&ours, NULL, &none) > 0) {
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(sigismember(&pending, SIGPIPE));
    assert_true(sigismember(&pending, SIGXFSZ));
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    size_t before = support_entries("/proc/self/fd");
    write_as("api", NULL);
    assert_int_equal(support_entries("/proc/self/fd"), before);
}

/* More sites than any buffer holds; their figures by their number. */
static void many_sites(void **state)
{
    (void)state;
    enum { SITES = 4000 };
    recording->unwind_trouble =
        "this is a test"; /* so that the callers below are the whole stacks */
    struct thread *t = recorder_thread(recording);
    for (uintptr_t i = 1; i <= SITES; i++) {
        const struct stack_start start = {.ip = i * 16};
        for (uintptr_t k = 0; k <= i % 3; k++) {
            recorder_alloc(recording, t, SITE_calloc, RECORDING_BASE + i * 4096 + k * 1024, i,
                           &start, false);
        }
    }
    write_as("api", NULL);
    json_t *d = parsed_dump(recording_out), *sites = json_object_get(d, "sites");
    json_t *frames = json_object_get(d, "frames");
    assert_int_equal(json_array_size(sites), SITES + 1);
    for (size_t i = 1; i <= SITES; i++) {
        json_t *site = json_array_get(sites, i); /* behind the one from setup */
        json_t *frame = json_array_get(frames, parsed_number(site, "frame"));
        uint64_t place = (uint64_t)json_integer_value(json_array_get(frame, 2)) / 16;
        assert_int_equal(json_integer_value(json_array_get(frame, 1)), -1);
        assert_int_equal(parsed_number(site, "alloc_count"), place % 3 + 1);
        assert_int_equal(parsed_number(site, "alloc_bytes"), place * (place % 3 + 1));
        assert_int_equal(parsed_number(site, "peak_bytes"), place * (place % 3 + 1));
    }
    json_decref(d);
}

static void allocate_in_plugin(void *arg)
{
    feed_alloc(recording, 2, SITE_malloc, (uintptr_t)arg, 4321);
}

static void unloaded_modules_are_named(void **state)
{
    (void)state;
    void *handle = dlopen(PLUGIN_A, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    plugin_caller *call;
    *(void **)&call = dlsym(handle, "plugin_call");
    call(allocate_in_plugin, (void *)(RECORDING_BASE + 4096));
    dlclose(handle);
    modules_changed(&recording->modules);
    write_as("api", NULL);
    json_t *d = parsed_dump(recording_out), *modules = json_object_get(d, "modules");
    int found = 0;
    for (size_t i = 0; i < json_array_size(modules); i++) {
        json_t *m = json_array_get(modules, i);
        bool plugin = strcmp(text(m, "path"), PLUGIN_A) == 0;
        assert_int_equal(json_is_null(json_object_get(m, "unloaded_ns")), !plugin);
        assert_true(!plugin || strlen(text(m, "build_id")) == 40);
        found += plugin;
    }
    assert_int_equal(found, 1);
    json_decref(d);
}

/* What shards held when they were read may be of a later peak than the one that was noted, if other
 * threads went on meanwhile; then the bound tells so. */
static void the_peak_is_within_its_bound(void **state)
{
    (void)state;
    struct dump_sites sites = {.shared = true, .peak = 1000};
    struct dump_totals totals = {.peak_bytes = 400, .live_bytes = 100};
    assert_int_equal(dump_sites_peak_error(&sites, recording, &totals), 600);
    totals.peak_bytes = 1500;
    assert_int_equal(dump_sites_peak_error(&sites, recording, &totals), 500);
    totals.live_bytes = 3000;
    assert_int_equal(dump_sites_peak_error(&sites, recording, &totals), 1500);
    sites.shared = false;
    assert_int_equal(dump_sites_peak_error(&sites, recording, &totals), 0);
}

int main(void)
{
#define WITH_RECORDER(test) cmocka_unit_test_setup_teardown(test, setup, recording_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RECORDER(a_dump_says_what_it_is_of),
        WITH_RECORDER(reasons_and_sequence),
        WITH_RECORDER(the_name_that_was_used_is_told),
        WITH_RECORDER(a_written_dump_is_named_if_wanted),
        WITH_RECORDER(what_cannot_be_written_is_told_in_a_line),
        WITH_RECORDER(a_file_too_large_harms_nobody),
        WITH_RECORDER(pending_signals_stay),
        WITH_RECORDER(no_descriptor_is_left),
        WITH_RECORDER(many_sites),
        WITH_RECORDER(unloaded_modules_are_named),
        WITH_RECORDER(the_peak_is_within_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
