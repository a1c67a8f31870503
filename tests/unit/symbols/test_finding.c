/* SPDX-License-Identifier: MIT
 *
 *     test_finding DIRECTORY BUILD-ID
 * DIRECTORY has bin/program (stripped), bin/whole (not stripped), program.debug. Which of them is
 * used when, what is warned about, and what goes over the network.
 */
#include "dump.h"
#include "symbolize.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gelf.h>

#define OTHER_ID "00112233445566778899aabbccddeeff00112233"

static const char *directory, *build_id;
static char program[2048], whole[2048], debug_file[2048];
static uint64_t main_address;

struct warnings {
    unsigned n;
    char last[8192];
};

static void note_warning(void *arg, const char *message)
{
    struct warnings *w = arg;
    w->n++;
    snprintf(w->last, sizeof w->last, "%s", message);
}

/* Finds main() in the program that was not stripped. */
static int find_main(void **state)
{
    (void)state;
    snprintf(program, sizeof program, "%s/bin/program", directory);
    snprintf(whole, sizeof whole, "%s/bin/whole", directory);
    snprintf(debug_file, sizeof debug_file, "%s/program.debug", directory);
    char command[8192], text[64] = "";
    snprintf(command, sizeof command, "nm '%s' | sed -n 's/ T main$//p'", whole);
    FILE *f = popen(command, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    pclose(f);
    main_address = strtoull(text, NULL, 16);
    return 0;
}

/* The line that main() begins at, 0 if it is not known. */
static uint32_t look_up(struct symbolize_options *options, const char *path, const char *id,
                        struct warnings *warnings)
{
    *warnings = (struct warnings){0};
    options->demangle = true;
    options->warn = note_warning;
    options->warn_arg = warnings;
    struct symbolizer *s = symbolizer_new(options);
    assert_non_null(s);
    struct dump_module module = {.path = path, .build_id = id};
    const struct symbol *frames;
    for (int i = 3; i-- > 0;)
        assert_true(symbolizer_lookup(s, &module, main_address + (uint64_t)i, &frames) >= 1);
    uint32_t line = frames[0].line;
    if (line == 0)
        assert_null(frames[0].file);
    symbolizer_free(s);
    return line;
}

static void test_same_build_id_is_used(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct warnings w;
    assert_true(look_up(&options, whole, build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    assert_true(look_up(&options, whole, NULL, &w) > 0);
    assert_int_equal(w.n, 0);
}

static void test_other_build_id_is_not_used(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct warnings w;
    assert_int_equal(look_up(&options, whole, OTHER_ID, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, whole));
    assert_non_null(strstr(w.last, build_id));
    assert_non_null(strstr(w.last, OTHER_ID));
}

static void test_missing_file_is_said_once(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct warnings w;
    assert_int_equal(look_up(&options, "/nowhere/libx.so", NULL, &w), 0);
    assert_int_equal(w.n, 1);
    assert_string_equal(w.last, "'/nowhere/libx.so': no such file");
    assert_int_equal(look_up(&options, "[vdso]", NULL, &w), 0);
    assert_int_equal(w.n, 0);
}

static void test_deleted_file_is_known_by_build_id(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct warnings w;
    char path[8192];
    snprintf(path, sizeof path, "%s (deleted)", whole);
    assert_true(look_up(&options, path, build_id, &w) > 0);
    assert_int_equal(w.n, 0);
}

static void test_relative_paths_are_below_the_directory(void **state)
{
    (void)state;
    struct symbolize_options options = {.directory = directory};
    struct warnings w;
    assert_true(look_up(&options, "./bin/../bin/whole", build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    assert_true(look_up(&options, "bin/whole", build_id, &w) > 0);
    assert_true(look_up(&options, whole, build_id, &w) > 0);       /* absolute ones are not */
    assert_int_equal(look_up(&options, "whole", build_id, &w), 0); /* no path: a name */
    options.directory = NULL;
    assert_int_equal(look_up(&options, "./bin/whole", build_id, &w), 0);
    assert_int_equal(w.n, 1);
}

static void test_newer_sources_are_said_once(void **state)
{
    (void)state;
    struct warnings w = {0};
    struct symbolize_options options = {.warn = note_warning, .warn_arg = &w};
    struct symbolizer *s = symbolizer_new(&options);
    struct dump_module module = {.path = whole, .build_id = build_id};
    struct dump_module missing = {.path = "[vdso]"};
    struct stat st;
    assert_non_null(s);
    assert_int_equal(stat(whole, &st), 0);
    symbolizer_compare_age(s, &missing, "a.c", INT64_MAX);
    symbolizer_compare_age(s, &module, "a.c", 0);
    symbolizer_compare_age(s, &module, "a.c", st.st_mtime);
    assert_int_equal(w.n, 0);
    symbolizer_compare_age(s, &module, "a.c", st.st_mtime + 1);
    symbolizer_compare_age(s, &module, "b.c", st.st_mtime + 1);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "'a.c': is newer than"));
    symbolizer_free(s);
}

static void test_special_files_are_refused(void **state)
{
    (void)state;
    struct symbolize_options options = {0};
    struct warnings w;
    char fifo[8192];
    snprintf(fifo, sizeof fifo, "%s/fifo", directory);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *paths[] = {fifo, "/dev/zero", "/", "/etc/passwd", "/dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(look_up(&options, paths[i], NULL, &w), 0);
        assert_int_equal(w.n, 1);
    }
}

static void run(const char *format, const char *a, const char *b, const char *c)
{
    char command[16384];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(command, sizeof command, format, a, b, c);
#pragma GCC diagnostic pop
    assert_int_equal(system(command), 0);
}

/* The kind of compression, first in the section, becomes one that does not exist. */
static void test_unreadable_debug_information_is_said(void **state)
{
    (void)state;
    char copy[2048];
    snprintf(copy, sizeof copy, "%s/bin/unreadable", directory);
    run("objcopy --compress-debug-sections=zlib '%s' '%s'%s", whole, copy, "");
    int fd = open(copy, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    size_t names;
    assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        assert_non_null(gelf_getshdr(s, &h));
        if (strcmp(elf_strptr(elf, names, h.sh_name), ".debug_info") == 0) {
            assert_true(h.sh_flags & SHF_COMPRESSED);
            assert_int_equal(pwrite(fd, "\x7e", 1, (off_t)h.sh_offset), 1);
        }
    }
    elf_end(elf);
    close(fd);
    struct symbolize_options options = {0};
    struct warnings w;
    assert_int_equal(look_up(&options, copy, build_id, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "cannot be read"));
}

/* Root first: the file there is used although the module itself is another version. */
static void test_debug_root_comes_first(void **state)
{
    (void)state;
    const char *root = directory;
    char path[8192];
    struct symbolize_options options = {.debug_roots = &root, .ndebug_roots = 1};
    struct warnings w;
    snprintf(path, sizeof path, "/bin/whole");
    assert_true(look_up(&options, path, build_id, &w) > 0);
    assert_int_equal(w.n, 0);
    /* by base name: DIRECTORY/program.debug */
    assert_true(look_up(&options, "/somewhere/else/program.debug", build_id, &w) > 0);
}

/* Neither side has a build-id: the CRC decides. */
static void test_debuglink_with_wrong_crc(void **state)
{
    (void)state;
    char linked[2048], debug[2048];
    snprintf(linked, sizeof linked, "%s/bin/linked", directory);
    snprintf(debug, sizeof debug, "%s/bin/linked.debug", directory);
    run("objcopy --remove-section=.note.gnu.build-id '%s' '%s' 2>/dev/null%s", program, linked, "");
    run("objcopy --remove-section=.note.gnu.build-id '%s' '%s' 2>/dev/null%s", debug_file, debug,
        "");
    run("objcopy --add-gnu-debuglink='%s' '%s'%s", debug, linked, "");
    struct symbolize_options options = {0};
    struct warnings w;
    assert_true(look_up(&options, linked, NULL, &w) > 0);
    assert_int_equal(w.n, 0);
    run("printf x >> '%s'%s%s", debug, "", "");
    assert_int_equal(look_up(&options, linked, NULL, &w), 0);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "CRC"));
}

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
    snprintf(cache, sizeof cache, "%s/cache", directory);
    run("rm -rf '%s'%s%s", cache, "", "");
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
    struct warnings w;
    assert_int_equal(look_up(&options, program, build_id, &w), 0);
    assert_int_equal(look_up(&options, "/nowhere/x", OTHER_ID, &w), 0);
    assert_false(was_asked(fd));
    close(fd);
}

/* A server that takes the connection and says nothing. */
static void test_budget_bounds_a_silent_server(void **state)
{
    (void)state;
    int fd = listen_on_loopback();
    struct symbolize_options options = {.debuginfod = true, .debuginfod_budget = 1};
    struct warnings w;
    double begin = seconds();
    assert_int_equal(look_up(&options, program, build_id, &w), 0);
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
    FILE *f = fopen(debug_file, "rbe");
    FILE *out = fdopen(client, "wb");
    if (n <= 0 || !f || !out)
        _exit(1);
    request[n] = '\0';
    char expected[256];
    snprintf(expected, sizeof expected, "GET /buildid/%s/debuginfo ", build_id);
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
    struct warnings w;
    uint32_t line = look_up(&options, program, build_id, &w);
    int status;
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_int_equal(status, 0);
    assert_true(line > 0);
    assert_int_equal(w.n, 0);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    directory = argv[1];
    build_id = argv[2];
    unsetenv("DEBUGINFOD_URLS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_build_id_is_used),
        cmocka_unit_test(test_other_build_id_is_not_used),
        cmocka_unit_test(test_missing_file_is_said_once),
        cmocka_unit_test(test_deleted_file_is_known_by_build_id),
        cmocka_unit_test(test_relative_paths_are_below_the_directory),
        cmocka_unit_test(test_newer_sources_are_said_once),
        cmocka_unit_test(test_special_files_are_refused),
        cmocka_unit_test(test_unreadable_debug_information_is_said),
        cmocka_unit_test(test_debug_root_comes_first),
        cmocka_unit_test(test_debuglink_with_wrong_crc),
        cmocka_unit_test(test_no_server_is_asked_by_itself),
        cmocka_unit_test(test_budget_bounds_a_silent_server),
        cmocka_unit_test(test_server_is_asked_on_request),
    };
    return cmocka_run_group_tests(tests, find_main, NULL);
}
