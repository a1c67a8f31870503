/* SPDX-License-Identifier: MIT
 *
 *     test_asking DIRECTORY BUILD-ID
 * As test_finding: which debug information goes over the network, and how long that may take.
 */
#include "finding.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int listen_on_loopback(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    char url[64], cache[8192];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(a.sin_port));
    snprintf(cache, sizeof cache, "%s/cache", finding.directory);
    finding_run("rm -rf '%s'%s%s", cache, "", "");
    setenv("DEBUGINFOD_URLS", url, 1);
    setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
    return fd;
}

static bool was_asked(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 100) > 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_no_server_is_asked_by_itself(void **state)
{
    (void)state;
    int fd = listen_on_loopback();
    struct symbolize_options options = {.debuginfod_budget = 5};
    struct finding_warnings w;
    assert_int_equal(finding_look_up(&options, finding.program, finding.build_id, &w), 0);
    assert_int_equal(finding_look_up(&options, "/nowhere/x", OTHER_ID, &w), 0);
    assert_false(was_asked(fd));
    close(fd);
}

/* A server that takes the connection and says nothing. */
static void test_budget_bounds_a_silent_server(void **state)
{
    (void)state;
    int fd = listen_on_loopback();
    struct symbolize_options options = {.debuginfod = true, .debuginfod_budget = 1};
    struct finding_warnings w;
    double begin = seconds();
    assert_int_equal(finding_look_up(&options, finding.program, finding.build_id, &w), 0);
    double spent = seconds() - begin;
    assert_true(was_asked(fd));
    assert_true(spent >= 0.9 && spent < 60);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "debuginfod"));
    close(fd);
}

/* One request, answered with program.debug; not waited for without end. */
static void serve(int fd)
{
    alarm(60);
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    char request[4096];
    ssize_t n = read(client, request, sizeof request - 1);
    FILE *f = fopen(finding.debug_file, "rbe");
    FILE *out = fdopen(client, "wb");
    if (n <= 0 || !f || !out)
        _exit(1);
    request[n] = '\0';
    char expected[256];
    snprintf(expected, sizeof expected, "GET /buildid/%s/debuginfo ", finding.build_id);
    if (strncmp(request, expected, strlen(expected)) != 0)
        _exit(2);
    struct stat st;
    fstat(fileno(f), &st);
    fprintf(out, "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n");
    fprintf(out, "Content-Length: %lld\r\nConnection: close\r\n\r\n", (long long)st.st_size);
    for (int c; (c = getc(f)) != EOF;)
        putc(c, out);
    fclose(out);
    _exit(0);
}

static void test_server_is_asked_on_request(void **state)
{
    (void)state;
    int fd = listen_on_loopback();
    pid_t server = fork();
    if (server == 0)
        serve(fd);
    struct symbolize_options options = {.debuginfod = true, .debuginfod_budget = 20};
    struct finding_warnings w;
    uint32_t line = finding_look_up(&options, finding.program, finding.build_id, &w);
    int status;
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_int_equal(status, 0);
    assert_true(line > 0);
    assert_int_equal(w.n, 0);
    close(fd);
}

int main(int argc, char **argv)
{
    if (!finding_arguments(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_server_is_asked_by_itself),
        cmocka_unit_test(test_budget_bounds_a_silent_server),
        cmocka_unit_test(test_server_is_asked_on_request),
    };
    return cmocka_run_group_tests(tests, finding_main, NULL);
}
