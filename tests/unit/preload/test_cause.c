/* SPDX-License-Identifier: MIT
 *
 * What is written of a cause, byte by byte.
 */
#include "cause.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

static struct json j;

static void assert_written(const struct cause *c, const char *expected)
{
    char text[512] = "";
    int file = memfd_create("cause", MFD_CLOEXEC);
    assert_true(file >= 0);
    json_begin(&j, file);
    json_open(&j, NULL, '{');
    cause_write(&j, c);
    json_close(&j, '}');
    assert_int_equal(json_end(&j), 0);
    assert_true(pread(file, text, sizeof text - 1, 0) > 0);
    close(file);
    assert_string_equal(text, expected);
}

static void signals_are_told_as_the_kernel_did(void **state)
{
    (void)state;
    const struct cause fault = {
        .signal = SIGSEGV, .signal_code = SEGV_MAPERR, .address = 4096, .sender = 0};
    assert_written(&fault, "{\"signal\":{\"number\":11,\"name\":\"SIGSEGV\",\"code\":1,"
                           "\"address\":4096}}\n");
    /* What a program sends as one has no address. */
    const struct cause sent = {.signal = SIGSEGV, .signal_code = SI_TKILL, .sender = 77};
    assert_written(&sent, "{\"signal\":{\"number\":11,\"name\":\"SIGSEGV\",\"code\":-6,"
                          "\"sender\":77}}\n");
    const struct cause terminal = {.signal = SIGINT, .signal_code = SI_KERNEL};
    assert_written(&terminal, "{\"signal\":{\"number\":2,\"name\":\"SIGINT\",\"code\":128}}\n");
    const struct cause nameless = {.signal = 40, .signal_code = SI_QUEUE, .sender = 1};
    assert_written(&nameless, "{\"signal\":{\"number\":40,\"code\":-1,\"sender\":1}}\n");
}

static void triggers_are_told_with_their_figures(void **state)
{
    (void)state;
    const struct cause nothing = {0};
    assert_written(&nothing, "{}\n");
    const struct cause limit = {.trigger = "cgroup", .limit_bytes = 100, .used_bytes = 80};
    assert_written(&limit, "{\"trigger\":{\"kind\":\"cgroup\",\"limit_bytes\":100,"
                           "\"used_bytes\":80}}\n");
    const struct cause failed = {.trigger = "failed-allocation", .requested_bytes = 5};
    assert_written(&failed, "{\"trigger\":{\"kind\":\"failed-allocation\","
                            "\"requested_bytes\":5}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_told_as_the_kernel_did),
        cmocka_unit_test(triggers_are_told_with_their_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
