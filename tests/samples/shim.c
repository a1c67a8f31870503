/* SPDX-License-Identifier: MIT
 *
 * libshim.so: logs every call of the allocation functions, see shim.h. Independent of the profiler
 * in all respects. Thread-safe; the log is a shared mapping, complete however the process ends, and
 * a process that forks goes on unlogged in the child.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG_RECORDS (1u << 21) /* sparse: only what is used takes space */

enum function { MALLOC, CALLOC, REALLOC, REALLOCARRAY, POSIX_MEMALIGN, ALIGNED_ALLOC, MEMALIGN };

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
} next;

static struct shim_record *records;
static atomic_uint_fast64_t sequence = 1, used;
static pid_t logged_pid;
static _Thread_local int inside;

/* dlsym may allocate before `next` is known. */
static char early[4096] __attribute__((aligned(16)));
static size_t early_used;

static void *early_alloc(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof early - early_used)
        abort();
    early_used += size;
    return early + early_used - size;
}

static int is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void open_log(void)
{
    const char *path = getenv("SHIM_LOG");
    if (!path)
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    size_t size = sizeof *records * LOG_RECORDS;
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        abort();
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        abort();
    logged_pid = getpid();
    records = map;
}

static void resolve(void)
{
    static int started;
    if (started)
        return;
    started = 1;
    next.calloc = dlsym(RTLD_NEXT, "calloc");
    next.realloc = dlsym(RTLD_NEXT, "realloc");
    next.reallocarray = dlsym(RTLD_NEXT, "reallocarray");
    next.free = dlsym(RTLD_NEXT, "free");
    next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    next.memalign = dlsym(RTLD_NEXT, "memalign");
    next.malloc = dlsym(RTLD_NEXT, "malloc");
    open_log();
}

/* A call in progress; `begin` is 0 if it was made from inside another. */
struct call {
    uint64_t begin;
};

static struct call enter(void)
{
    if (!next.malloc)
        resolve();
    return (struct call){.begin = inside++ ? 0 : atomic_fetch_add(&sequence, 1)};
}

static void leave(struct call c, struct shim_record r)
{
    int saved_errno = errno;
    if (c.begin) {
        if (shim_event && r.op != SHIM_FREE)
            shim_event((void *)r.caller, (void *)r.old, (void *)r.new, r.size);
        if (records && logged_pid == getpid()) {
            uint64_t at = atomic_fetch_add(&used, 1);
            if (at >= LOG_RECORDS)
                abort();
            r.begin = c.begin;
            r.end = atomic_fetch_add(&sequence, 1);
            r.tid = (uint32_t)gettid();
            r.context = shim_context ? shim_context() : 0;
            records[at] = r;
        }
    }
    inside--;
    errno = saved_errno;
}

#define CALLER ((uint64_t)__builtin_return_address(0))
#define RECORD(op_, function_, old_, new_, size_)                                                  \
    ((struct shim_record){.op = (op_),                                                             \
                          .function = (function_),                                                 \
                          .caller = CALLER,                                                        \
                          .old = (uint64_t)(old_),                                                 \
                          .new = (uint64_t)(new_),                                                 \
                          .size = (size_)})
#define RECORD_ALIGNED(function_, new_, size_, alignment_)                                         \
    ((struct shim_record){.op = SHIM_ALLOC,                                                        \
                          .function = (function_),                                                 \
                          .caller = CALLER,                                                        \
                          .new = (uint64_t)(new_),                                                 \
                          .size = (size_),                                                         \
                          .alignment = (uint32_t)(alignment_)})

void *malloc(size_t size)
{
    struct call c = enter();
    void *p = next.malloc ? next.malloc(size) : early_alloc(size);
    leave(c, RECORD(SHIM_ALLOC, MALLOC, 0, p, size));
    return p;
}

void *calloc(size_t n, size_t size)
{
    struct call c = enter();
    void *p = next.calloc ? next.calloc(n, size) : early_alloc(n * size);
    leave(c, RECORD(SHIM_ALLOC, CALLOC, 0, p, n * size));
    return p;
}

void *realloc(void *old, size_t size)
{
    struct call c = enter();
    void *p = next.realloc(old, size);
    leave(c, RECORD(SHIM_REALLOC, REALLOC, old, p, size));
    return p;
}

void *reallocarray(void *old, size_t n, size_t size)
{
    struct call c = enter();
    void *p = next.reallocarray(old, n, size);
    leave(c, RECORD(SHIM_REALLOC, REALLOCARRAY, old, p, n * size));
    return p;
}

void free(void *old)
{
    if (!old || is_early(old))
        return;
    struct call c = enter();
    if (c.begin && shim_event)
        shim_event(__builtin_return_address(0), old, NULL, 0);
    next.free(old);
    leave(c, RECORD(SHIM_FREE, MALLOC, old, 0, 0));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    struct call c = enter();
    int error = next.posix_memalign(out, alignment, size);
    leave(c, RECORD_ALIGNED(POSIX_MEMALIGN, error ? NULL : *out, size, alignment));
    return error;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    struct call c = enter();
    void *p = next.aligned_alloc(alignment, size);
    leave(c, RECORD_ALIGNED(ALIGNED_ALLOC, p, size, alignment));
    return p;
}

void *memalign(size_t alignment, size_t size)
{
    struct call c = enter();
    void *p = next.memalign(alignment, size);
    leave(c, RECORD_ALIGNED(MEMALIGN, p, size, alignment));
    return p;
}

/* Beside the log: what is mapped where, for `caller` means nothing without. */
static __attribute__((destructor)) void save_maps(void)
{
    char name[4096], text[8192];
    const char *path = getenv("SHIM_LOG");
    if (!records || logged_pid != getpid() || strlen(path) + sizeof ".maps" > sizeof name)
        return;
    strcpy(name, path);
    strcat(name, ".maps");
    int in = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    int out = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (ssize_t n; (n = read(in, text, sizeof text)) > 0;)
        if (write(out, text, (size_t)n) != n)
            abort();
    close(in);
    close(out);
}

static __attribute__((constructor)) void start(void)
{
    if (!next.malloc)
        resolve();
}
