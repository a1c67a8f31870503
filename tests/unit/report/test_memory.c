/* SPDX-License-Identifier: MIT
 *
 * Without memory the tool ends with one line and status 2, wherever that happens. The linker wraps
 * malloc and its kin for the objects of this program, which jansson is told to use as well.
 */
#include "job.h"
#include "load.h"
#include "memory.h"
#include "pool.h"
#include "sample_dump.h"
#include "test.h"
#include "verbs.h"

#include <sys/wait.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static unsigned long fail_at; /* the call that fails; 0: none */
static unsigned long calls;

static int fails(void)
{
    return ++calls == fail_at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

/* All that can be done to a dump. Returns what the tool would exit with. */
static int work(const char *path)
{
    static const char *const lines[] = {"summary", "lines", "leaks", "tree"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct options o = {.verb = verbs_find(lines[i]),
                            .format = &format_json,
                            .unit = unit_find("MiB"),
                            .quiet = true};
        struct error error = {""};
        struct out out = {.format = o.format, .unit = o.unit, .ndumps = 1};
        if (out_open(&out, "/dev/null", &error))
            return 3;
        if (job_run(&o, path, &out)) {
            out_discard(&out);
            return 2;
        }
        out_discard(&out);
    }
    return 0;
}

/* Reads all that comes from the child at FD, and waits for it; returns its status. */
static int collect(pid_t child, int fd, char *said, size_t size)
{
    size_t used = 0;
    for (ssize_t got; (got = read(fd, said + used, size - 1 - used)) > 0;)
        used += (size_t)got;
    said[used] = '\0';
    close(fd);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Runs work() in a child whose call number N fails; its status, and what it said. */
static int run_child(const char *path, unsigned long n, char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        calls = 0;
        fail_at = n;
        int status = work(path);
        if (n == 0)
            fprintf(stderr, "%lu", calls);
        exit(status);
    }
    close(ends[1]);
    return collect(child, ends[0], said, size);
}

static void every_call_may_fail(void **state)
{
    static const char path[] = "memory.tmp";
    char said[512];
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(SAMPLE_DUMP, f);
    fclose(f);
    assert_int_equal(run_child(path, 0, said, sizeof said), 0);
    unsigned long last = strtoul(said, NULL, 10), refused = 0;
    for (unsigned long n = 1; n <= last; n++) {
        int status = run_child(path, n, said, sizeof said);
        if (status == 0)
            continue; /* what failed could be done without */
        assert_int_equal(status, 2);
        assert_int_equal(strncmp(said, "memprof-report: ", 16), 0);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        refused++;
    }
    assert_true(refused > 200);
    unlink(path);
}

static void growth_is_checked(void **state)
{
    char said[64] = "";
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        size_t capacity = 0;
        dup2(ends[1], STDERR_FILENO);
        void *p = mem_grow(NULL, &capacity, SIZE_MAX / 2, 16);
        free(p);
        exit(0);
    }
    close(ends[1]);
    assert_int_equal(collect(child, ends[0], said, sizeof said), 2);
    assert_string_equal(said, "memprof-report: out of memory\n");
}

static void strings_are_unique(void **state)
{
    struct pool *pool = pool_new();
    char name[32];
    const char *first[1000];
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "name %u", i);
        first[i] = pool_intern(pool, name);
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "name %u", i);
        assert_ptr_equal(pool_intern(pool, name), first[i]);
        assert_string_equal(first[i], name);
    }
    /* Larger than a chunk, and aligned. */
    uint64_t *big = pool_zero(pool, 1 << 20, sizeof *big);
    assert_int_equal((uintptr_t)big % 16, 0);
    assert_int_equal(big[(1 << 20) - 1], 0);
    assert_ptr_equal(pool_intern(pool, "name 7"), first[7]);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(growth_is_checked),
        cmocka_unit_test(strings_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
