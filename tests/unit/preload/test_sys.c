/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

static void calls_reach_the_kernel(void **state)
{
    (void)state;
    assert_int_equal(sys_pid(), getpid());
    assert_int_equal(sys_tid(), gettid());
    assert_int_equal(sys_open("/no/such/file", O_RDONLY, 0), -ENOENT);
    assert_int_equal(sys_close(-1), -EBADF);
    /* All six arguments arrive. */
    char *p = (char *)sys_call(SYS_mmap, 0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(p[8191], 0);
    assert_int_equal(sys_call(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, -1, 0), -EBADF);
    sys_unmap(p, 8192);
}

static void errno_is_left_alone(void **state)
{
    (void)state;
    errno = 1234;
    sys_open("/no/such/file", O_RDONLY, 0);
    sys_read(-1, NULL, 0);
    sys_write_all(-1, "x", 1);
    sys_map(SIZE_MAX / 2);
    assert_int_equal(errno, 1234);
}

static void maps_are_zeroed_or_null(void **state)
{
    (void)state;
    char *p = sys_map(100000);
    assert_non_null(p);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(p[i], 0);
    }
    memset(p, 1, 100000);
    sys_unmap(p, 100000);
    assert_null(sys_map(SIZE_MAX / 2));
    assert_null(sys_map(0));
}

static void readable_is_what_can_be_read(void **state)
{
    (void)state;
    char *p = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + 4096, 4096, PROT_NONE), 0);
    assert_int_equal(munmap(p + 8192, 4096), 0);
    sigset_t before, after;
    sigprocmask(SIG_SETMASK, NULL, &before);
    int local = 0;
    assert_true(sys_readable((uintptr_t)&local & ~(uintptr_t)7));
    assert_true(sys_readable((uintptr_t)p));
    assert_true(sys_readable((uintptr_t)p + 4096 - 8));
    assert_false(sys_readable((uintptr_t)p + 4096 - 4)); /* not all of the word */
    assert_false(sys_readable((uintptr_t)p + 4096));
    assert_false(sys_readable((uintptr_t)p + 8192));
    assert_false(sys_readable(0));
    assert_false(sys_readable(8));
    assert_false(sys_readable((uintptr_t)1 << 63));
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, 8); /* the mask was only looked at */
    munmap(p, 8192);
}

static void what_is_gone_is_not_copied(void **state)
{
    (void)state;
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), to[16];
    assert_true(p != MAP_FAILED);
    memcpy(p + 4096 - 8, "12345678", 8);
    assert_int_equal(munmap(p + 4096, 4096), 0);
    assert_true(sys_copy(to, (uintptr_t)p + 4096 - 8, 8));
    assert_memory_equal(to, "12345678", 8);
    assert_false(sys_copy(to, (uintptr_t)p + 4096 - 8, 9));
    assert_false(sys_copy(to, (uintptr_t)p + 4096, 1));
    assert_false(sys_copy(to, 0, 8));
    munmap(p, 4096);
}

static void files_are_read_whole(void **state)
{
    (void)state;
    support_enter_directory();
    const char *path = support_path("file");
    support_write(path, "0123456789");
    char buffer[64];
    for (size_t size = 1; size < 20; size++) {
        memset(buffer, '#', sizeof buffer);
        size_t expected = size - 1 < 10 ? size - 1 : 10;
        assert_int_equal(sys_read_file(path, buffer, size), expected);
        assert_int_equal(strlen(buffer), expected);
        assert_memory_equal(buffer, "0123456789", expected);
        assert_int_equal(buffer[size], '#');
    }
    assert_int_equal(sys_read_file("/no/such", buffer, sizeof buffer), -ENOENT);
    assert_int_equal(sys_read_file("/", buffer, sizeof buffer), -EISDIR);
    support_leave_directory();
}

static void nothing(int number)
{
    (void)number;
}

/* Reads from a pipe slowly, with signals to the writer, who has written something by then, or
 * nothing: the pipe is full. */
struct reader {
    int fd;
    pthread_t writer;
    size_t got;
    uint64_t sum;
};

static void *read_slowly(void *arg)
{
    struct reader *r = arg;
    unsigned char buffer[5000];
    ssize_t n;
    while ((n = read(r->fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            r->sum = r->sum * 31 + buffer[i];
        }
        r->got += (size_t)n;
        pthread_kill(r->writer, SIGUSR1);
        if (r->got % 7 == 0) {
            usleep(2000);
            pthread_kill(r->writer, SIGUSR1);
        }
    }
    return NULL;
}

static void all_is_written_across_interruptions(void **state)
{
    (void)state;
    const size_t size = (size_t)2 << 20;
    unsigned char *data = malloc(size);
    uint64_t seed = 3, sum = 0;
    for (size_t i = 0; i < size; i++) {
        data[i] = (unsigned char)support_random(&seed);
        sum = sum * 31 + data[i];
    }
    struct sigaction action = {.sa_handler = nothing}; /* without SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct reader r = {.fd = pipes[0], .writer = pthread_self()};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
    int error = sys_write_all(pipes[1], data, size);
    close(pipes[1]);
    pthread_join(thread, NULL);
    close(pipes[0]);
    free(data);
    assert_int_equal(error, 0);
    assert_int_equal(r.got, size);
    assert_true(r.sum == sum);
}

static struct sys_lock lock;
static long guarded; /* not atomic: the lock is what keeps it right */

static void *add_many(void *arg)
{
    size_t *tries = arg;
    for (int i = 0; i < 20000; i++) {
        sys_sigset before;
        if (i % 4 != 0) {
            before = sys_lock(&lock);
        } else {
            while (!sys_trylock(&lock, &before)) {
                ++*tries;
                sched_yield();
            }
        }
        guarded = guarded + 1;
        sys_unlock(&lock, before);
    }
    return NULL;
}

static void a_lock_excludes(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    size_t tries[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, add_many, &tries[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(guarded, THREADS * 20000);
}

/* Whether SIGUSR2 waits in the kernel. */
static bool waits(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGUSR2) == 1;
}

static void signals_wait_for_the_lock(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR2, &action, NULL);
    sys_sigset before = sys_lock(&lock), inner;
    raise(SIGUSR2);
    assert_true(waits());
    assert_false(sys_trylock(&lock, &inner));
    assert_true(waits()); /* the failed try leaves them blocked as they were */
    sys_unlock(&lock, before);
    assert_false(waits());
    assert_true(sys_trylock(&lock, &before));
    raise(SIGUSR2);
    assert_true(waits());
    sys_unlock(&lock, before);
    assert_false(waits());
}

static void waiting_for_a_lock_ends(void **state)
{
    (void)state;
    sys_sigset before = sys_lock(&lock), inner = 1;
    assert_false(sys_lock_within(&lock, 2, &inner));
    sys_unlock(&lock, before);
    assert_true(sys_lock_within(&lock, 0, &before));
    raise(SIGUSR2);
    assert_true(waits());
    sys_unlock(&lock, before);
    assert_false(waits());
}

static void descriptors_are_out_of_the_way(void **state)
{
    (void)state;
    const int lowest = open("/dev/null", O_RDONLY);
    close(lowest);
    const int fd = sys_open_aside("/dev/zero", O_RDONLY | O_CLOEXEC, 0);
    assert_true(fd > lowest + 10);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    const struct sys_identity identity = sys_identify(fd), unknown = {0};
    assert_true(sys_is_still(fd, &identity));
    /* The program has the number. */
    assert_int_equal(dup2(STDIN_FILENO, fd), fd);
    assert_false(sys_is_still(fd, &identity));
    assert_true(sys_is_still(fd, &unknown));
    close(fd);
    assert_false(sys_is_still(fd, &identity));
    assert_false(sys_is_still(fd, &unknown));
    assert_int_equal(open("/dev/null", O_RDONLY), lowest); /* nothing was left open */
    close(lowest);
    assert_int_equal(sys_open_aside("/no/such/file", O_RDONLY, 0), -ENOENT);
    const struct rlimit few = {(rlim_t)lowest + 1, (rlim_t)lowest + 1};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(sys_open_aside("/dev/null", O_RDONLY, 0), lowest);
    close(lowest);
}

static void handlers_are_what_the_kernel_has(void **state)
{
    (void)state;
    assert_true(sys_signal_handler(SIGTERM) == (uintptr_t)SIG_DFL);
    signal(SIGTERM, SIG_IGN);
    assert_true(sys_signal_handler(SIGTERM) == (uintptr_t)SIG_IGN);
    sys_signal_default(SIGTERM);
    assert_true(signal(SIGTERM, SIG_DFL) == SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_reach_the_kernel),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(maps_are_zeroed_or_null),
        cmocka_unit_test(readable_is_what_can_be_read),
        cmocka_unit_test(what_is_gone_is_not_copied),
        cmocka_unit_test(files_are_read_whole),
        cmocka_unit_test(all_is_written_across_interruptions),
        cmocka_unit_test(a_lock_excludes),
        cmocka_unit_test(signals_wait_for_the_lock),
        cmocka_unit_test(waiting_for_a_lock_ends),
        cmocka_unit_test(handlers_are_what_the_kernel_has),
        cmocka_unit_test(descriptors_are_out_of_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
