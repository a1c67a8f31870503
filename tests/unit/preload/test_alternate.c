/* SPDX-License-Identifier: MIT
 *
 * What the kernel says of the stacks that threads were given.
 */
#include "alternate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "support.h"

static stack_t now(void)
{
    stack_t stack = {0};
    assert_int_equal(sigaltstack(NULL, &stack), 0);
    return stack;
}

/* Of a thread of its own, for the test's may have a sanitizer's. */
static void in_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, arg), 0);
    pthread_join(thread, NULL);
}

static void drop_stack(void)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    assert_int_equal(sigaltstack(&none, NULL), 0);
}

/* Sanitizers take what stack there is at the end of a thread for their own. */
static stack_t hide_sanitizer(void)
{
    stack_t theirs = now();
    drop_stack();
    return theirs;
}

static void *takes_and_gives(void *arg)
{
    void **first = arg;
    stack_t theirs = hide_sanitizer(), mine;
    assert_false(alternate_mine(&mine));
    alternate_begin();
    assert_true(alternate_mine(&mine));
    assert_ptr_equal(now().ss_sp, mine.ss_sp);
    assert_int_equal(now().ss_size, mine.ss_size);
    assert_int_equal(now().ss_flags, 0);
    assert_true(mine.ss_size >= 60000);
    memset(mine.ss_sp, 0x11, mine.ss_size); /* all of it can be written */
    alternate_begin();
    assert_ptr_equal(now().ss_sp, mine.ss_sp);
    /* What one thread gives back is the next one's. */
    if (*first) {
        assert_ptr_equal(*first, mine.ss_sp);
    }
    *first = mine.ss_sp;
    alternate_end();
    assert_false(alternate_mine(&mine));
    assert_int_equal(now().ss_flags, SS_DISABLE);
    alternate_end();
    sigaltstack(&theirs, NULL);
    return NULL;
}

static void a_thread_gets_one_and_gives_it_back(void **state)
{
    (void)state;
    void *first = NULL;
    for (int i = 0; i < 5; i++) {
        in_thread(takes_and_gives, &first);
    }
    /* Below it a page that cannot be touched. */
    assert_false(sys_readable((uintptr_t)first - 8));
}

static void *has_its_own(void *arg)
{
    static char own[1 << 16];
    const stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    stack_t theirs = hide_sanitizer(), mine;
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    alternate_begin();
    assert_false(alternate_mine(&mine));
    assert_ptr_equal(now().ss_sp, own);
    alternate_end();
    assert_ptr_equal(now().ss_sp, own);
    /* One that it sets later stays, too. */
    drop_stack();
    alternate_begin();
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    alternate_end();
    assert_ptr_equal(now().ss_sp, own);
    drop_stack();
    sigaltstack(&theirs, NULL);
    return arg;
}

static void a_threads_own_is_left_alone(void **state)
{
    (void)state;
    in_thread(has_its_own, NULL);
}

static void *goes_without(void *arg)
{
    stack_t theirs = hide_sanitizer(), mine;
    alternate_pause();
    alternate_begin();
    assert_false(alternate_mine(&mine));
    alternate_resume();
    alternate_begin();
    assert_true(alternate_mine(&mine));
    alternate_pause();
    alternate_end();
    assert_ptr_equal(now().ss_sp, mine.ss_sp); /* not even a system call */
    alternate_resume();
    alternate_end();
    sigaltstack(&theirs, NULL);
    return arg;
}

static void nothing_happens_while_it_pauses(void **state)
{
    (void)state;
    in_thread(goes_without, NULL);
}

static void *forks(void *arg)
{
    stack_t theirs = hide_sanitizer();
    alternate_begin();
    pid_t child = fork();
    if (child == 0) {
        stack_t mine;
        alternate_child();
        bool kept = alternate_mine(&mine) && now().ss_sp == mine.ss_sp;
        alternate_end();
        _exit(kept && now().ss_flags == SS_DISABLE ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    alternate_end();
    sigaltstack(&theirs, NULL);
    return arg;
}

static void a_child_keeps_its_threads(void **state)
{
    (void)state;
    in_thread(forks, NULL);
}

static _Atomic bool over;

static void *takes_and_gives_on(void *arg)
{
    stack_t theirs = hide_sanitizer();
    while (!atomic_load(&over)) {
        alternate_begin();
        alternate_end();
    }
    sigaltstack(&theirs, NULL);
    return arg;
}

/* Forks while other threads take and give: in one of some dozen children the lock is held by a
 * thread that is not there. */
static void a_child_opens_the_lock(void **state)
{
    (void)state;
    pthread_t thread[2];
    atomic_store(&over, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, takes_and_gives_on, NULL), 0);
    }
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) {
            alternate_child();
            alternate_begin();
            alternate_end();
            _exit(0);
        }
        assert_int_equal(support_end_of(child), 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
    }
}

static int enable(void **state)
{
    (void)state;
    stack_t mine;
    alternate_begin();
    assert_false(alternate_mine(&mine)); /* nothing before it is enabled */
    stack_t theirs = hide_sanitizer();
    alternate_enable();
    assert_true(alternate_mine(&mine));
    alternate_end();
    sigaltstack(&theirs, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_gets_one_and_gives_it_back),
        cmocka_unit_test(a_threads_own_is_left_alone),
        cmocka_unit_test(nothing_happens_while_it_pauses),
        cmocka_unit_test(a_child_keeps_its_threads),
        cmocka_unit_test(a_child_opens_the_lock),
    };
    return cmocka_run_group_tests(tests, enable, NULL);
}
