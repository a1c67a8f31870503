/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ancestry.h"
#include "signals.h"

#include <sys/wait.h>
#include <unistd.h>

/* A child in this process group, or in one of its own. */
static pid_t start(bool own_group)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    if (own_group)
        assert_int_equal(setpgid(pid, pid), 0);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool forwarded(int number, int code, pid_t sender, pid_t program)
{
    struct signalfd_siginfo info = {
        .ssi_signo = (uint32_t)number, .ssi_code = code, .ssi_pid = (uint32_t)sender};
    return signals_to_forward(&info, program);
}

static void the_terminal_reaches_the_group_itself(void **state)
{
    (void)state;
    pid_t same = start(false), other = start(true);
    assert_false(forwarded(SIGINT, SI_KERNEL, 0, same));
    assert_false(forwarded(SIGWINCH, SI_KERNEL, 0, same));
    assert_true(forwarded(SIGINT, SI_KERNEL, 0, other));
    assert_false(forwarded(SIGXCPU, SI_KERNEL, 0, other)); /* our own limit */
    end(same);
    end(other);
}

static void others_are_passed_on(void **state)
{
    (void)state;
    pid_t program = start(false), sibling = start(false);
    assert_true(forwarded(SIGTERM, SI_USER, getppid(), program));
    assert_true(forwarded(SIGTERM, SI_USER, sibling, program));
    assert_true(forwarded(SIGTERM, SI_USER, 0, program)); /* from outside of the container */
    assert_true(forwarded(SIGRTMIN, SI_QUEUE, sibling, program));
    assert_true(forwarded(SIGTERM, SI_TKILL, sibling, program));
    assert_false(forwarded(SIGALRM, SI_TIMER, 0, program));
    assert_false(forwarded(SIGPIPE, SI_USER, getpid(), program));
    end(program);
    end(sibling);
}

static void what_the_program_sends_comes_not_back(void **state)
{
    (void)state;
    pid_t program = start(false);
    assert_false(forwarded(SIGTERM, SI_USER, program, program));
    /* Nor what comes from a process that it has started: here we are the program. */
    assert_false(forwarded(SIGTERM, SI_USER, program, getpid()));
    end(program);
}

static void ancestors_are_found(void **state)
{
    (void)state;
    pid_t child = start(false);
    assert_true(ancestry_has(child, getpid()));
    assert_true(ancestry_has(child, getppid()));
    assert_true(ancestry_has(child, child));
    assert_false(ancestry_has(getpid(), child));
    end(child);
    assert_false(ancestry_has(child, getpid()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terminal_reaches_the_group_itself),
        cmocka_unit_test(others_are_passed_on),
        cmocka_unit_test(what_the_program_sends_comes_not_back),
        cmocka_unit_test(ancestors_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
