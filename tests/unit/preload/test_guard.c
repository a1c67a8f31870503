/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "support.h"

#define FRAME ((uintptr_t)__builtin_frame_address(0))

static int setup(void **state)
{
    (void)state;
    memset(&guard_tls, 0, sizeof guard_tls);
    return 0;
}

static __attribute__((noinline)) bool enter_from_further_in(void)
{
    bool entered = guard_enter(FRAME);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return entered;
}

static void only_one_hook_is_inside(void **state)
{
    (void)state;
    assert_true(guard_enter(GUARD_HERE));
    assert_false(enter_from_further_in());
    guard_leave();
    assert_true(enter_from_further_in());
    guard_leave();
    assert_true(guard_enter(FRAME));
    guard_leave();
}

static jmp_buf way_out;

static __attribute__((noinline)) void enter_and_jump(int depth)
{
    char room[256];
    memset(room, depth, sizeof room);
    __asm__ volatile("" ::"r"(room) : "memory");
    if (depth > 0) {
        enter_and_jump(depth - 1);
    } else if (guard_enter(FRAME)) {
        longjmp(way_out, 1);
    }
    __asm__ volatile("" ::: "memory");
}

static void a_jump_out_of_the_recorder_is_noticed(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        if (setjmp(way_out) == 0) {
            enter_and_jump(5);
            fail();
        }
        assert_true(guard_tls.frame != 0); /* left behind */
        assert_true(guard_enter(FRAME));
        assert_false(enter_from_further_in());
        guard_leave();
    }
}

/* Between two frames with nothing in between but a caller's own room no code of ours waits: the
 * hook was left, though the one that asks is further in. */
static void a_hook_that_left_nothing_behind_is_gone(void **state)
{
    (void)state;
    static uintptr_t room[64];
    const uintptr_t low = (uintptr_t)(room + 1), high = (uintptr_t)(room + 64);
    assert_true(guard_is_gone(high, low));
    assert_true(guard_is_gone(low, high));
    assert_true(guard_is_gone(low, low));
    room[40] = (uintptr_t)&guard_is_gone;
    assert_false(guard_is_gone(high, low));
    assert_false(guard_is_gone(high, (uintptr_t)(room + 41))); /* that returns there */
    assert_true(guard_is_gone(high, (uintptr_t)(room + 42)));
    guard_tls.internal = true;
    guard_tls.frame = low;
    assert_false(guard_is_stale(high));
    guard_tls.internal = false;
    assert_true(guard_is_stale(high));
    assert_true(guard_tls.frame == 0);
}

static void frames_on_two_stacks_are_not_compared(void **state)
{
    (void)state;
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_true(guard_is_gone((uintptr_t)p + 3 * 4096, (uintptr_t)p + 64));
    assert_int_equal(munmap(p + 4096, 4096), 0);
    assert_false(guard_is_gone((uintptr_t)p + 3 * 4096, (uintptr_t)p));
    assert_false(guard_is_gone((uintptr_t)p + ((size_t)1 << 30), (uintptr_t)p));
    munmap(p, 3 * 4096);
}

/* A thread's stack in the lower half of a mapping, its alternate signal stack in the upper. */
struct stacks {
    char *both;
    size_t half;
    int entered_in_handler, on_alternate;
    bool entered_at_all;
};
static struct stacks *running;

static void handler(int number)
{
    (void)number;
    char *here = (char *)FRAME;
    running->on_alternate = here >= running->both + running->half;
    running->entered_in_handler = guard_enter((uintptr_t)here);
}

static void *interrupt_recorder(void *arg)
{
    struct stacks *s = arg;
    stack_t alternate = {.ss_sp = s->both + s->half, .ss_size = s->half}, none = {0};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, NULL);
    running = s;
    s->entered_at_all = guard_enter(FRAME);
    raise(SIGUSR1);
    guard_leave();
    sigaltstack(&none, NULL);
    return NULL;
}

static void a_handler_on_another_stack_is_inside(void **state)
{
    (void)state;
    struct stacks s = {.half = (size_t)1 << 20};
    s.both = mmap(NULL, 2 * s.half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(s.both != MAP_FAILED);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, s.both, s.half), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &attributes, interrupt_recorder, &s), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    munmap(s.both, 2 * s.half);
    assert_true(s.entered_at_all);
    assert_true(s.on_alternate);
    assert_false(s.entered_in_handler);
}

static void *enter_alone(void *arg)
{
    *(bool *)arg = guard_enter(FRAME);
    guard_leave();
    return NULL;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    bool entered = false;
    pthread_t thread;
    assert_true(guard_enter(FRAME));
    assert_int_equal(pthread_create(&thread, NULL, enter_alone, &entered), 0);
    pthread_join(thread, NULL);
    assert_true(entered);
    assert_false(enter_from_further_in());
    guard_leave();
}

static void thread_local_storage_is_small(void **state)
{
    (void)state;
    assert_true(sizeof guard_tls <= 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_one_hook_is_inside, setup),
        cmocka_unit_test_setup(a_jump_out_of_the_recorder_is_noticed, setup),
        cmocka_unit_test_setup(a_hook_that_left_nothing_behind_is_gone, setup),
        cmocka_unit_test_setup(frames_on_two_stacks_are_not_compared, setup),
        cmocka_unit_test_setup(a_handler_on_another_stack_is_inside, setup),
        cmocka_unit_test_setup(each_thread_has_its_own, setup),
        cmocka_unit_test_setup(thread_local_storage_is_small, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
