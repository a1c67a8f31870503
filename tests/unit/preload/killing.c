/* SPDX-License-Identifier: MIT */
#include "killing.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feed.h"
#include "keeping.h"
#include "support.h"

char killing_out[4096];
static struct options options;

int killing_setup(void **state)
{
    (void)state;
    support_enter_directory();
    options = support_options();
    snprintf(killing_out, sizeof killing_out, "%s", support_path("dump.json"));
    options.out = killing_out;
    options.keeper = keeping_begin();
    return 0;
}

int killing_teardown(void **state)
{
    (void)state;
    keeping_end();
    support_leave_directory();
    return 0;
}

int killing_at(void (*act)(struct recorder *r, int step), int step)
{
    const pid_t pid = fork();
    if (pid == 0) {
        struct recorder *r = support_recorder(&options);
        recorder_card_write(r, true);
        for (uintptr_t i = 0; i < KILLING_BLOCKS; i++) {
            feed_alloc(r, (int)i % 2, SITE_malloc, KILLING_BASE + i * 128, KILLING_SIZE);
        }
        for (uintptr_t i = 0; i < KILLING_BLOCKS / 2; i++) {
            feed_free(r, KILLING_BASE + i * 128);
        }
        act(r, step);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    int fd = keeping_receive();
    assert_true(fd >= 0);
    return fd;
}

int killing_salvage(int vault)
{
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        _exit((int)salvage_dump(&recorder, vault, false));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(vault);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
