/* SPDX-License-Identifier: MIT
 *
 * Against getrusage, /proc read by stdio, and memory that the test itself touches.
 */
#include "memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "parsed.h"
#include "support.h"

#define MIB ((uint64_t)1 << 20)

static struct recorder fake;

static void assert_near(uint64_t found, uint64_t expected, uint64_t by)
{
    assert_in_range(found + by, expected, expected + 2 * by);
}

static uint64_t rss_by_stdio(void)
{
    unsigned long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void rss_follows_what_is_touched(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* shadow memory comes with each page that is touched */
#endif
    assert_near(memory_rss(), rss_by_stdio(), 4 * MIB);
    uint64_t before = memory_rss();
    char *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_near(memory_rss(), before, 4 * MIB);
    memset(p, 1, 64 * MIB);
    assert_near(memory_rss(), before + 64 * MIB, 8 * MIB);
    munmap(p, 64 * MIB);
    assert_near(memory_rss(), before, 8 * MIB);
}

static void the_parts_make_up_the_whole(void **state)
{
    (void)state;
    struct memory m;
    memory_read(&m, &fake);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    assert_int_equal(m.rss_bytes, m.anonymous_bytes + m.file_bytes + m.shared_bytes);
    assert_true(m.peak_rss_bytes >= m.rss_bytes);
    assert_true(m.virtual_bytes >= m.rss_bytes);
    assert_in_range(m.stack_bytes, 1, 64 * MIB);
    uint64_t most = (uint64_t)usage.ru_maxrss * 1024;
    assert_near(m.peak_rss_bytes, most, 4 * MIB);
}

static uint64_t sum_of_parts(const struct memory *m)
{
    uint64_t sum = m->libraries_bytes + m->dump_bytes;
    for (int i = 0; i < PARTS; i++) {
        sum += m->part[i];
    }
    return sum;
}

static void the_profilers_own_is_told_by_part(void **state)
{
    (void)state;
    enum { KEPT = 10, COUNTED = 20, DUMP = 30 };
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct memory before, m;
    memory_read(&before, &fake);
    char *kept = arena_pool_map(&fake.kept[PART_RULES], MIB);
    char *counted = arena_pool_map(&fake.counts[PART_SITES], MIB);
    char *dump = arena_pool_map(&fake.counts[PART_OTHER], MIB);
    memset(kept, 1, KEPT * page);
    memset(counted, 1, COUNTED * page);
    memory_read(&m, &fake);
    assert_true(m.parts_known);
    /* A chunk has its head on a page of its own. */
    assert_int_equal(m.part[PART_RULES] - before.part[PART_RULES], (KEPT + 1) * page);
    assert_int_equal(m.part[PART_SITES] - before.part[PART_SITES], (COUNTED + 1) * page);
    assert_int_equal(m.part[PART_OTHER] - before.part[PART_OTHER], page);
    assert_int_equal(m.profiler_mapped_bytes - before.profiler_mapped_bytes, 3 * (MIB + page));
    assert_int_equal(m.profiler_bytes, sum_of_parts(&m));
    memset(dump, 1, DUMP * page);
    memory_add_dump(&m, dump, MIB);
    assert_int_equal(m.dump_bytes, DUMP * page);
    assert_int_equal(m.profiler_bytes, sum_of_parts(&m));
    arena_pool_clear(&fake.kept[PART_RULES]);
    arena_pool_clear(&fake.counts[PART_SITES]);
    arena_pool_clear(&fake.counts[PART_OTHER]);
}

/* The object "memory" that M is written as. */
static json_t *written(const struct memory *m)
{
    static struct json j;
    FILE *f = tmpfile();
    assert_non_null(f);
    json_begin(&j, fileno(f));
    json_open(&j, NULL, '{');
    memory_write(&j, m);
    json_close(&j, '}');
    assert_int_equal(json_end(&j), 0);
    rewind(f);
    json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, NULL);
    fclose(f);
    json_t *memory = json_incref(json_object_get(root, "memory"));
    json_decref(root);
    return memory;
}

static void parts_are_written_by_name(void **state)
{
    (void)state;
    struct memory m = {.parts_known = true, .libraries_bytes = 5, .profiler_bytes = 12};
    m.part[PART_LIVE] = 3;
    m.part[PART_OTHER] = 4;
    json_t *memory = written(&m), *parts = json_object_get(memory, "profiler");
    assert_int_equal(parsed_number(memory, "profiler_bytes"), 12);
    assert_int_equal(json_object_size(parts), 3);
    assert_int_equal(parsed_number(parts, "live_table_bytes"), 3);
    assert_int_equal(parsed_number(parts, "other_bytes"), 4);
    assert_int_equal(parsed_number(parts, "libraries_bytes"), 5);
    json_decref(memory);
    m.parts_known = false;
    m.profiler_bytes = m.profiler_mapped_bytes = 99;
    memory_add_dump(&m, written, 1); /* counts nothing where nothing is known */
    memory = written(&m);
    assert_null(json_object_get(memory, "profiler"));
    assert_int_equal(parsed_number(memory, "profiler_bytes"), 99);
    assert_int_equal(parsed_number(memory, "profiler_mapped_bytes"), 99);
    json_decref(memory);
}

static void figures_are_written(void **state)
{
    (void)state;
    const struct memory m = {.rss_bytes = 1, .peak_rss_bytes = 2, .file_bytes = 3};
    json_t *memory = written(&m);
    assert_int_equal(json_object_size(memory), 4); /* what is 0 and optional is left out */
    assert_int_equal(json_integer_value(json_object_get(memory, "rss_bytes")), 1);
    assert_int_equal(json_integer_value(json_object_get(memory, "peak_rss_bytes")), 2);
    assert_int_equal(json_integer_value(json_object_get(memory, "profiler_bytes")), 0);
    assert_int_equal(json_integer_value(json_object_get(memory, "file_bytes")), 3);
    json_decref(memory);
}

struct named {
    pthread_barrier_t ready, done;
    int tid;
};

static void *wait_with_name(void *arg)
{
    struct named *n = arg;
    pthread_setname_np(pthread_self(), "a (b) c\td");
    n->tid = gettid();
    pthread_barrier_wait(&n->ready);
    pthread_barrier_wait(&n->done);
    return NULL;
}

static void thread_names(void **state)
{
    (void)state;
    struct named n;
    pthread_barrier_init(&n.ready, NULL, 2);
    pthread_barrier_init(&n.done, NULL, 2);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_with_name, &n), 0);
    pthread_barrier_wait(&n.ready);
    char name[16], tiny[4];
    memory_thread_name(n.tid, name, sizeof name);
    assert_string_equal(name, "a (b) c\td");
    memory_thread_name(n.tid, tiny, sizeof tiny);
    assert_string_equal(tiny, "a (");
    pthread_barrier_wait(&n.done);
    pthread_join(thread, NULL);
    memory_thread_name(0, name, sizeof name); /* no thread has this number */
    assert_string_equal(name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rss_follows_what_is_touched),
        cmocka_unit_test(the_parts_make_up_the_whole),
        cmocka_unit_test(the_profilers_own_is_told_by_part),
        cmocka_unit_test(parts_are_written_by_name),
        cmocka_unit_test(figures_are_written),
        cmocka_unit_test(thread_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
