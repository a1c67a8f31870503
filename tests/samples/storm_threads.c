/* SPDX-License-Identifier: MIT
 *
 * storm_threads HOW COUNT [LIBRARY LIBRARY]: threads that end, load and wait at awkward moments.
 *
 *   cancel   COUNT threads allocate and are cancelled, at cancellation points
 *   async    the same at any instruction: to be run over libsafe_malloc.so
 *   short    COUNT threads, 8 at a time, allocate 10 blocks and end
 *   alive    COUNT threads at once, each of which has allocated
 *   dlopen   8 threads load and unload the two libraries COUNT times each, while 8 allocate, every
 *            other one of them with the loader's lock held
 *
 * Blocks of a thread are freed by its clean-up handlers and by destructors of thread-specific data,
 * which allocate, too. At the end 1000 blocks of 2055 bytes are kept. Prints how many allocations
 * there were that nothing can have interrupted, and what the kernel says of the process half-way
 * and at the end. */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int stop, begun;
static atomic_long allocated;
static int limit;
static char *const *libraries;
static pthread_key_t key;
static pthread_barrier_t everyone;

static void *take(size_t size)
{
    void *p = malloc(size);
    __asm__ volatile("" : "+r"(p)::"memory");
    if (!p)
        abort();
    allocated++;
    return p;
}

/* Resident KiB and open descriptors. */
struct usage {
    long resident, descriptors;
};

static struct usage usage_now(void)
{
    char text[256] = "";
    struct usage u = {0};
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%*d %ld", &u.resident) != 1)
        abort();
    close(fd);
    u.resident *= sysconf(_SC_PAGESIZE) / 1024;
    for (int i = 0; i < 1024; i++)
        u.descriptors += fcntl(i, F_GETFD) >= 0;
    return u;
}

static void last_words(void *block)
{
    static __thread int rounds;
    free(take(33));
    /* On to the last round of destructors, when others' that are run before it are through. */
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(key, block) == 0)
        return;
    free(take(33));
    free(block);
}

static void start_all(pthread_t *thread, int n, void *(*work)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    for (int i = 0; i < n; i++)
        if (pthread_create(&thread[i], &attributes, work, argument) != 0)
            abort();
    pthread_attr_destroy(&attributes);
}

static void *until_cancelled(void *asynchronous)
{
    if (asynchronous)
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    else
        pthread_setspecific(key, take(44));
    pthread_cleanup_push(free, take(66));
    begun++;
    for (unsigned i = 0;; i++) {
        void *p = malloc(i % 500 + 100);
        p = realloc(p, i % 900 + 100);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
        if (!asynchronous && i % 16 == 0)
            pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_all(int asynchronous)
{
    pthread_t thread[4];
    for (int done = 0; done < limit; done += 4) {
        begun = 0;
        start_all(thread, 4, until_cancelled, asynchronous ? &limit : NULL);
        while (begun < 4)
            sched_yield();
        for (int i = 0; i < 4; i++)
            pthread_cancel(thread[i]);
        for (int i = 0; i < 4; i++)
            pthread_join(thread[i], NULL);
    }
}

static void *briefly(void *unused)
{
    void *p[10];
    for (size_t i = 0; i < 10; i++)
        p[i] = take(i + 20);
    for (size_t i = 0; i < 9; i++)
        free(p[i]);
    pthread_setspecific(key, p[9]);
    return unused;
}

/* Returns the usage half-way. */
static struct usage short_lives(void)
{
    struct usage u = {0};
    pthread_t thread[8];
    for (int done = 0; done < limit; done += 8) {
        if (done <= limit / 2)
            u = usage_now();
        start_all(thread, 8, briefly, NULL);
        for (int i = 0; i < 8; i++)
            pthread_join(thread[i], NULL);
    }
    return u;
}

static void *together(void *unused)
{
    free(take(70));
    pthread_barrier_wait(&everyone); /* all have come */
    pthread_barrier_wait(&everyone); /* usage was read */
    return unused;
}

static struct usage live_together(void)
{
    pthread_t *thread = calloc((size_t)limit, sizeof *thread);
    if (!thread || pthread_barrier_init(&everyone, NULL, (unsigned)limit + 1) != 0)
        abort();
    start_all(thread, limit, together, NULL);
    pthread_barrier_wait(&everyone);
    struct usage u = usage_now();
    pthread_barrier_wait(&everyone);
    for (int i = 0; i < limit; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    return u;
}

static int in_callback(struct dl_phdr_info *info, size_t size, void *sum)
{
    void *p = take(size % 100 + 10);
    *(uintptr_t *)sum += info->dlpi_addr;
    free(p);
    return 0;
}

static void *allocate_on(void *unused)
{
    int self = begun++;
    uintptr_t sum = 0;
    while (!stop) {
        for (size_t i = 0; i < 200; i++)
            free(take(i * 7));
        if (self % 2)
            dl_iterate_phdr(in_callback, &sum);
    }
    return unused;
}

static void *load_on(void *unused)
{
    for (int i = 0; i < limit; i++) {
        void *handle = dlopen(libraries[i % 2], i % 3 ? RTLD_NOW : RTLD_LAZY);
        void *(*make)(size_t) = handle ? (void *(*)(size_t))dlsym(handle, "plugin_make") : NULL;
        if (!make)
            abort();
        free(make(100));
        allocated++;
        dlclose(handle);
    }
    return unused;
}

static void load_all(void)
{
    pthread_t loading[8], allocating[8];
    start_all(allocating, 8, allocate_on, NULL);
    start_all(loading, 8, load_on, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(loading[i], NULL);
    stop = 1;
    for (int i = 0; i < 8; i++)
        pthread_join(allocating[i], NULL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 2 ? argv[1] : "";
    struct usage middle = {0};
    limit = argc > 2 ? atoi(argv[2]) : 0;
    libraries = argv + 3;
    if (pthread_key_create(&key, last_words) != 0)
        return 2;
    if (strcmp(how, "cancel") == 0 || strcmp(how, "async") == 0)
        cancel_all(how[0] == 'a');
    else if (strcmp(how, "short") == 0)
        middle = short_lives();
    else if (strcmp(how, "alive") == 0)
        middle = live_together();
    else if (strcmp(how, "dlopen") == 0 && argc > 4)
        load_all();
    else
        return 2;
    struct usage end = usage_now();
    for (int i = 0; i < 1000; i++)
        (void)take(2055);
    char text[300];
    int n =
        snprintf(text, sizeof text,
                 "{\"alloc_count\": %ld, \"resident\": [%ld, %ld], \"descriptors\": [%ld, %ld]}\n",
                 allocated, middle.resident, end.resident, middle.descriptors, end.descriptors);
    return write(1, text, (size_t)n) != n;
}
