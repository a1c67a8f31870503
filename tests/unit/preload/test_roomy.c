/* SPDX-License-Identifier: MIT */
#include "roomy.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

struct seen {
    uintptr_t frame;
    bool blocked;
    int nested;
};

/* Uses far more stack than a small thread has. */
static void look(void *arg)
{
    struct seen *seen = arg;
    char room[32 << 10];
    sigset_t now;
    memset(room, 1, sizeof room);
    __asm__ volatile("" ::"r"(room) : "memory");
    seen->frame = (uintptr_t)__builtin_frame_address(0);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    seen->blocked = sigismember(&now, SIGUSR1) == 1;
}

static void *in_small_thread(void *arg)
{
    roomy_call(look, arg);
    return NULL;
}

static bool unblocked(void)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGUSR1) == 0;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static void there_is_room(void **state)
{
    (void)state;
    struct seen first = {0}, second = {0};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN));
    assert_int_equal(pthread_create(&thread, &attributes, in_small_thread, &first), 0);
    pthread_join(thread, NULL);
    assert_true(first.frame != 0 && first.blocked);
    roomy_call(look, &second);
    assert_true(first.frame == second.frame); /* the same stack */
    assert_true(unblocked());
}

static void call_again(void *arg)
{
    struct seen *seen = arg;
    seen->nested++;
    roomy_call(look, seen);
}

/* One thread at a time: whoever comes second stays where it is. */
static void the_second_stays_where_it_is(void **state)
{
    (void)state;
    struct seen outer = {0}, inner = {0};
    roomy_call(look, &outer);
    roomy_call(call_again, &inner);
    assert_int_equal(inner.nested, 1);
    assert_true(inner.frame != 0 && inner.frame != outer.frame);
    assert_true(outer.frame - inner.frame < 65536); /* further in on the same stack */
    assert_true(unblocked());
}

/* As recorder_child has it. SEEN: where there is room. */
static int in_child(const struct seen *seen)
{
    struct seen before = {0}, after = {0};
    roomy_call(look, &before);
    roomy_child();
    roomy_call(look, &after);
    return before.frame != seen->frame && after.frame == seen->frame ? 0 : 1;
}

static void in_call(void *arg)
{
    struct seen *seen = arg;
    roomy_child();
    roomy_call(look, seen);
}

static void a_child_has_room_again(void **state)
{
    (void)state;
    struct seen seen = {0}, inner = {0};
    roomy_call(look, &seen);
    support_occupy_room();
    const pid_t child = fork();
    if (child == 0) {
        _exit(in_child(&seen));
    }
    support_vacate_room();
    assert_int_equal(support_end_of(child), 0);
    roomy_call(in_call, &inner); /* it is there itself */
    assert_true(inner.frame != 0 && inner.frame != seen.frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_room),
        cmocka_unit_test(a_child_has_room_again),
        cmocka_unit_test(the_second_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Sanitizers need more stack than the smallest thread has. */
static void it_is_called(void **state)
{
    (void)state;
    struct seen seen = {0};
    in_small_thread(&seen);
    assert_true(seen.frame != 0 && unblocked());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_called)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
