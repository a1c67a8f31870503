/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "real.h"
#include "roomy.h"
#include "shard.h"

#define PATIENCE_MS 60000 /* until a hang */

static char directory[PATH_MAX / 4];
static int real_stderr = -1, caught = -1;

/* Reachable only from memory that LeakSanitizer does not know: the library maps its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:create_addr_space\n";
}

/* xorshift64*: Marsaglia 2003, Vigna 2016. */
uint64_t support_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (x * 0x2545f4914f6cdd1du) >> 8;
}

const char *support_enter_directory(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/memprof-unit-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(directory));
    return directory;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void support_leave_directory(void)
{
    assert_int_equal(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *support_path(const char *name)
{
    static char path[4][PATH_MAX];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, PATH_MAX, "%s/%s", directory, name);
    return p;
}

size_t support_entries(const char *path)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    size_t n = 0;
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 2;
}

static char *read_descriptor(int fd)
{
    size_t size = 0, room = 4096;
    char *content = malloc(room + 1);
    assert_non_null(content);
    ssize_t n;
    while ((n = pread(fd, content + size, room - size, (off_t)size)) > 0) {
        size += (size_t)n;
        if (size == room) {
            room *= 2;
            char *larger = realloc(content, room + 1);
            assert_non_null(larger);
            content = larger;
        }
    }
    content[size] = '\0';
    return content;
}

char *support_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail_msg("%s cannot be read", path);
    }
    char *content = read_descriptor(fd);
    close(fd);
    return content;
}

void support_write(const char *path, const char *content)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

void support_catch_stderr(void)
{
    fflush(stderr);
    real_stderr = fcntl(2, F_DUPFD_CLOEXEC, 3);
    caught = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(real_stderr >= 0 && caught >= 0);
    dup2(caught, 2);
}

const char *support_caught_stderr(void)
{
    static char text[16384];
    fflush(stderr);
    dup2(real_stderr, 2);
    close(real_stderr);
    char *content = read_descriptor(caught);
    close(caught);
    snprintf(text, sizeof text, "%s", content);
    free(content);
    return text;
}

uint64_t support_lifetimes(const struct shard *s)
{
    uint64_t bucket[MEMPROF_HISTOGRAM_BUCKETS] = {0}, all = 0;
    shard_add_lifetimes(s, bucket);
    for (unsigned i = 0; i < MEMPROF_HISTOGRAM_BUCKETS; i++) {
        all += bucket[i];
    }
    return all;
}

static struct rlimit memory;

void support_take_memory(void)
{
    assert_int_equal(getrlimit(RLIMIT_AS, &memory), 0);
    const struct rlimit less = {4096, memory.rlim_max}; /* than there is already */
    assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
}

void support_give_memory(void)
{
    assert_int_equal(setrlimit(RLIMIT_AS, &memory), 0);
}

static struct {
    pthread_t thread;
    pthread_barrier_t barrier;
} occupant;

static void stay(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&occupant.barrier);
    pthread_barrier_wait(&occupant.barrier);
}

static void *occupy(void *arg)
{
    roomy_call(stay, arg);
    return NULL;
}

void support_occupy_room(void)
{
    pthread_barrier_init(&occupant.barrier, NULL, 2);
    assert_int_equal(pthread_create(&occupant.thread, NULL, occupy, NULL), 0);
    pthread_barrier_wait(&occupant.barrier);
}

void support_vacate_room(void)
{
    pthread_barrier_wait(&occupant.barrier);
    pthread_join(occupant.thread, NULL);
    pthread_barrier_destroy(&occupant.barrier);
}

int support_end_of(int child)
{
    int status = -1;
    struct pollfd one = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    assert_true(one.fd >= 0);
    if (poll(&one, 1, PATIENCE_MS) != 1) {
        kill(child, SIGKILL);
    }
    close(one.fd);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

struct options support_options(void)
{
    struct options o;
    options_read(&o, NULL, false);
    o.verbose = 0;
    return o;
}

struct recorder *support_recorder(const struct options *options)
{
    char name[] = "unit-test", *argv[] = {name, NULL};
    memset(&guard_tls, 0, sizeof guard_tls);
    assert_true(real_ready());
    struct recorder *r = aligned_alloc(_Alignof(struct recorder), sizeof *r);
    assert_non_null(r);
    memset(r, 0, sizeof *r);
    assert_int_equal(recorder_start(r, options), 0);
    guard_tls.internal = true;
    recorder_load_unwinder(r);
    guard_tls.internal = false;
    assert_null(r->unwind_trouble);
    process_describe(argv);
    return r;
}

void support_recorder_end(struct recorder *r)
{
    guard_tls.thread = NULL;
    for (int part = 0; part < PARTS; part++) {
        arena_pool_clear(&r->counts[part]);
        arena_pool_clear(&r->kept[part]);
    }
    free(r);
}
