/* SPDX-License-Identifier: MIT
 *
 * What the hooks go on to, at moments that a whole program hardly comes to: before the allocator is
 * known, inside of the recorder, and in a child that has come out of the real call.
 */
#include "hooks_recorded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feed.h"
#include "lifecycle.h"
#include "real.h"
#include "support.h"

/* The rest of the library is not here. */
_Atomic bool lifecycle_begun;

bool lifecycle_begin(uintptr_t caller)
{
    (void)caller;
    return recorder_on(&recorder);
}

void lifecycle_periodic(struct recorder *r)
{
    (void)r;
}

void *__real_sys_map(size_t size);
void *__wrap_sys_map(size_t size);

static bool refused;   /* memory is */
static bool elsewhere; /* it is never where some was given up */

void *__wrap_sys_map(size_t size)
{
    void *hole = elsewhere ? __real_sys_map(size) : NULL;
    if (hole && mprotect(hole, size, PROT_NONE) != 0) {
        return NULL;
    }
    return refused ? NULL : __real_sys_map(size);
}

/* The recorder that the hooks use begins, with this mean of sampling. */
static void begin(uint64_t mean)
{
    struct options options = support_options();
    options.sample_mean = mean;
    memset(&guard_tls, 0, sizeof guard_tls);
    assert_true(real_ready());
    assert_int_equal(recorder_start(&recorder, &options), 0);
    live_set_one_each(&recorder.live); /* as of libc's */
}

static int teardown(void **state)
{
    (void)state;
    guard_tls.thread = guard_tls.quick = NULL;
    guard_tls.meter = NULL;
    for (int part = 0; part < PARTS; part++) {
        arena_pool_clear(&recorder.counts[part]);
        arena_pool_clear(&recorder.kept[part]);
    }
    memset(&recorder, 0, sizeof recorder);
    real_resolve();
    return 0;
}

/* Another thread may have begun to record while one is still looking for the allocator. What that
 * one is given then must not be freed by the allocator either. */
static void early_blocks_are_never_passed_on(void **state)
{
    (void)state;
    begin(1 << 20);
    free(recorded_malloc(1));
    assert_non_null(guard_tls.meter);
    /* Beyond what there is from the beginning, and in pieces of their own. */
    for (size_t i = 0; i < 200; i++) {
        size_t size = i == 100 ? (size_t)3 << 20 : 16 * i;
        void *p = hook_early_alloc(size, 16);
        assert_non_null(p);
        assert_null(sampler_passing_free(&recorder.sampler, p, 0));
    }
    static char unknown;
    assert_ptr_equal(sampler_passing_free(&recorder.sampler, &unknown, 0), guard_tls.meter);
    assert_null(hook_early_alloc(SIZE_MAX / 2, 16));
}

static void assert_is(const void *p, size_t size, size_t alignment)
{
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % alignment, 0);
    assert_int_equal(recorded_malloc_usable_size((void *)(uintptr_t)p), size);
}

/* While this thread looks the allocator up: results and errno are as libc's. */
static void calls_before_the_allocator_is_known(void **state)
{
    (void)state;
    void *p = NULL;
    atomic_store(&real_resolved, false);
    guard_tls.resolving = true;
    assert_is(slowly_malloc(10), 10, 16);
    assert_is(slowly_calloc(10, 10), 100, 16);
    assert_is(slowly_realloc(NULL, 20), 20, 16);
    assert_is(recorded_aligned_alloc(256, 30), 30, 256);
    assert_is(recorded_memalign(512, 40), 40, 512);
    assert_is(recorded_valloc(50), 50, 4096);
    assert_is(recorded_pvalloc(60), 4096, 4096);
    assert_is(recorded_reallocarray(NULL, 7, 10), 70, 16);
    assert_int_equal(recorded_posix_memalign(&p, 1024, 80), 0);
    assert_is(p, 80, 1024);
    void *const before = p;
    assert_int_equal(recorded_posix_memalign(&p, 24, 80), EINVAL);
    assert_int_equal(recorded_posix_memalign(&p, 4, 80), EINVAL);
    assert_int_equal(recorded_posix_memalign(&p, 64, SIZE_MAX / 2), ENOMEM);
    assert_ptr_equal(p, before);
    errno = 0;
    assert_null(recorded_pvalloc(SIZE_MAX - 100)); /* which is no whole number of pages */
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(slowly_calloc(SIZE_MAX / 2, 3));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(recorded_reallocarray(NULL, SIZE_MAX / 2, 3));
    assert_int_equal(errno, ENOMEM);
    recorded_free(p);
    recorded_free_sized(p, 80);
    recorded_free_aligned_sized(p, 1024, 80);
    guard_tls.resolving = false;
}

static uint64_t allocations(void)
{
    return counter_get(&guard_tls.thread->alloc_count);
}

static void *failing_realloc(void *block, size_t size)
{
    (void)block, (void)size;
    return NULL;
}

/* As a handler has it: with a frame of its own between the recorder's and the hook's. */
static __attribute__((noinline)) void *handler_reallocs(void *block, size_t size)
{
    void *p = slowly_realloc(block, size);
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

/* In a handler that interrupted the recorder: not counted, and said so; what was freed is made up
 * for afterwards. */
static void realloc_inside_the_recorder(void **state)
{
    (void)state;
    begin(0);
    void *p = recorded_malloc(100);
    assert_int_equal(allocations(), 1);
    assert_true(guard_enter(GUARD_HERE));
    void *q = handler_reallocs(p, 5000);
    assert_non_null(q);
    assert_int_equal(atomic_load(&recorder.nested_count), 1);
    assert_int_equal(atomic_load(&guard_tls.thread->pending_count), 1);
    /* One that fails leaves the block where it is, and known. */
    real_set("realloc", (uintptr_t)failing_realloc);
    assert_null(handler_reallocs(q, 100));
    real_resolve();
    assert_int_equal(atomic_load(&recorder.nested_count), 2);
    q = handler_reallocs(q, 10);
    assert_int_equal(atomic_load(&recorder.nested_count), 3);
    guard_leave();
    assert_int_equal(allocations(), 1);
    recorded_free(recorded_malloc(1));
    assert_int_equal(allocations(), 2);
    assert_int_equal(counter_get(&guard_tls.thread->free_count), 2); /* P's, too */
    recorded_free(q);
    assert_int_equal(counter_get(&guard_tls.thread->free_count), 2); /* Q was not counted */
    assert_int_equal(counter_get(&guard_tls.thread->unknown_free_count), 0);
}

static bool passed_without_meter;

/* As glibc's. */
static void *reallocarray_by_realloc(void *block, size_t count, size_t size)
{
    passed_without_meter = guard_tls.meter == NULL;
    return slowly_realloc(block, count * size);
}

/* The call that reallocarray makes is not one of the program's, whatever a meter would let pass. */
static void reallocarray_counts_once(void **state)
{
    (void)state;
    begin(1 << 20);
    void *p = recorded_malloc(100), *first = NULL;
    struct sampler_meter *m = guard_tls.meter;
    assert_non_null(m);
    real_set("reallocarray", (uintptr_t)reallocarray_by_realloc);
    const uint64_t before = counter_get(&m->allocs) + counter_get(&m->recorded);
    for (int i = 1; i < 4; i++) {
        first = i == 2 ? p : first;
        p = recorded_reallocarray(i == 2 ? NULL : p, 10, 10);
        assert_non_null(p);
        assert_true(passed_without_meter);
        assert_ptr_equal(guard_tls.meter, m);
        assert_int_equal(counter_get(&m->allocs) + counter_get(&m->recorded), before + (uint64_t)i);
    }
    recorded_free(first);
    recorded_free(p);
}

static pid_t child;
static bool child_has_memory;

/* As the allocator's own, interrupted by a handler that forks. */
static void *forking_realloc(void *block, size_t size)
{
    child = fork();
    refused = child == 0 && !child_has_memory;
    free(block);
    return malloc(size);
}

/* What the child of resize_in_a_child finds; whether that is as it should be. */
static bool is_fine_in_child(const void *q)
{
    if (!q || guard_tls.frame != 0 || recorder_on(&recorder) != child_has_memory) {
        return false;
    }
    /* Without memory to begin anew the program goes on, and is not recorded any more. */
    const uint64_t before = child_has_memory ? allocations() : 0;
    const bool more = recorded_malloc(10) != NULL;
    return more && (child_has_memory ? before == 1 && allocations() == 2 : !guard_tls.thread);
}

static void resize_in_a_child(void **state)
{
    for (int memory = 0; memory < 2; memory++) {
        begin(0);
        void *p = recorded_malloc(100);
        assert_non_null(guard_tls.quick);
        real_set("realloc", (uintptr_t)forking_realloc);
        child_has_memory = memory;
        void *q = recorded_realloc(p, 5000);
        if (child == 0) {
            _exit(!is_fine_in_child(q));
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_non_null(q);
        assert_int_equal(allocations(), 2);
        assert_int_equal(counter_get(&guard_tls.thread->free_count), 1);
        free(q);
        teardown(state);
    }
}

static bool realloc_fails;

/* The same, of a handler whose child allocates: so it has begun anew when it goes on here. */
static void *realloc_in_a_new_child(void *block, size_t size)
{
    child = fork();
    elsewhere = child == 0;
    if (child == 0 && !recorded_malloc(20)) {
        _exit(2);
    }
    if (realloc_fails) {
        return NULL;
    }
    free(block);
    return malloc(size);
}

/* After the resize of P to Q in the child, whose first block is not that one. */
static bool is_fine_in_new_child(void *p, void *q)
{
    const struct thread *t = guard_tls.thread;
    bool fine = t && guard_tls.frame == 0 && (q == NULL) == realloc_fails &&
                allocations() == (realloc_fails ? 1 : 2);
    /* It is its parent's, wherever it is freed. */
    if (realloc_fails) {
        fine = fine && counter_get(&t->inherited_free_count) == 0;
        recorded_free(p);
    }
    return fine && counter_get(&t->inherited_free_count) == 1 &&
           counter_get(&t->inherited_freed_bytes) == 100 &&
           counter_get(&t->unknown_free_count) == 0;
}

static void resize_in_a_child_that_has_begun(void **state)
{
    for (int fails = 0; fails < 2; fails++) {
        begin(0);
        void *p = recorded_malloc(100);
        real_set("realloc", (uintptr_t)realloc_in_a_new_child);
        realloc_fails = fails;
        void *q = recorded_realloc(p, 5000);
        if (child == 0) {
            _exit(!is_fine_in_new_child(p, q));
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(allocations(), fails ? 1 : 2);
        free(fails ? p : q);
        teardown(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(calls_before_the_allocator_is_known, teardown),
        cmocka_unit_test_teardown(early_blocks_are_never_passed_on, teardown),
        cmocka_unit_test_teardown(realloc_inside_the_recorder, teardown),
        cmocka_unit_test_teardown(reallocarray_counts_once, teardown),
        cmocka_unit_test(resize_in_a_child),
        cmocka_unit_test(resize_in_a_child_that_has_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
