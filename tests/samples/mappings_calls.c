/* SPDX-License-Identifier: MIT
 *
 * Mapping calls of every kind, one scene each: mappings_calls SCENE. Output and status are the same
 * with and without a record of the calls.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

/* Prints, by line, what is left of what it mapped. The peak is the end. */
static int lines(void)
{
    int whole, moved, again, small;
    char *a = (whole = __LINE__, map(64 * PAGE));
    munmap(a + 8 * PAGE, 16 * PAGE);
    char *b = (moved = __LINE__, map(32 * PAGE));
    b = (again = __LINE__, mremap(b, 32 * PAGE, 256 * PAGE, MREMAP_MAYMOVE));
    char *d = (small = __LINE__, mmap64(NULL, 5, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    printf("{\"%d\": %u, \"%d\": 0, \"%d\": %u, \"%d\": %u}\n", whole, 48 * PAGE, moved, again,
           256 * PAGE, small, PAGE);
    return b == MAP_FAILED || d == MAP_FAILED;
}

static void tried(const char *call, long result)
{
    printf("%s: %ld, errno %d\n", call, result, errno);
    errno = 0;
}

/* Arguments that the kernel refuses, and some that it takes: the same results and errno as ever. */
static int refused(void)
{
    char *p = map(4 * PAGE);
    int shm = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
    errno = 0;
#define TRY(call) tried(#call, (long)(call))
    TRY(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    TRY(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED);
    TRY(mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    TRY(mmap(NULL, SIZE_MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    TRY(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    TRY(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 99, 0) == MAP_FAILED);
    TRY(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
        MAP_FAILED);
    TRY(mmap(p, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    TRY(munmap(p, 0));
    TRY(munmap(p + 1, PAGE));
    TRY(munmap(p, SIZE_MAX));
    TRY(munmap((void *)(UINTPTR_MAX - PAGE + 1), PAGE));
    TRY(mremap(p, 4 * PAGE, 0, 0) == MAP_FAILED);
    TRY(mremap(p, 4 * PAGE, PAGE, MREMAP_FIXED, p) == MAP_FAILED);
    TRY(mremap(p, 4 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == MAP_FAILED);
    TRY(mremap(p, 4 * PAGE, SIZE_MAX / 2, MREMAP_MAYMOVE) == MAP_FAILED);
    TRY(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
    TRY(mremap(p, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED); /* private: nothing to copy */
    TRY(brk((void *)(UINTPTR_MAX / 2)));
    TRY(sbrk(INTPTR_MAX) == (void *)-1);
    TRY(shmat(-1, NULL, 0) == (void *)-1);
    TRY(shmat(shm, p, 0) == (void *)-1);
    TRY(shmdt(p));
    TRY(shmctl(shm, IPC_RMID, NULL));
    TRY(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
    TRY(munmap(p, 2 * PAGE));
    return 0;
}

static int shared_memory(void)
{
    int id = shmget(IPC_PRIVATE, 3 * PAGE - 1, IPC_CREAT | 0600);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    b = shmat(id, b, SHM_RDONLY | SHM_REMAP); /* in its own place */
    shmctl(id, IPC_RMID, NULL);
    munmap(a, PAGE);
    a[PAGE] = 'x';
    printf("%c\n", b[PAGE]);
    return shmdt(a) != 0;
}

/* Without a page to back them, which only who touches them would need. */
static int huge_pages(void)
{
    const int any = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_HUGETLB;
    const int flags[] = {any, any | 21 << MAP_HUGE_SHIFT};
    const char *separator = "[";
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (mmap(NULL, PAGE + i, PROT_NONE, flags[i], -1, 0) != MAP_FAILED) {
            printf("%s%d", separator, 2 << 20);
            separator = ", ";
        }
    }
    puts(*separator == '[' ? "[]" : "]");
    return 0;
}

static int program_break(void)
{
    char *start = sbrk(10 * PAGE);
    sbrk(-(intptr_t)PAGE);
    sbrk(7);
    char *end = sbrk(0);
    printf("%ld %d\n", (long)(end - start), brk(start + 4 * PAGE));
    return sbrk(0) != start + 4 * PAGE;
}

/* A child unmaps part of what it inherited and maps something; its parent waits, then goes on. */
static int forks(void)
{
    char *p = map(16 * PAGE), *q = map(4 * PAGE);
    free(malloc(1));
    pid_t child = fork();
    if (child == 0) {
        munmap(p, 10 * PAGE);
        munmap(q, 4 * PAGE);
        map(3 * PAGE);
        exit(0);
    }
    waitpid(child, NULL, 0);
    return munmap(q, 4 * PAGE);
}

static void *storm(void *arg)
{
    char *kept[16] = {0};
    unsigned seed = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < 3000; i++) {
        unsigned n = (unsigned)rand_r(&seed);
        char **slot = &kept[n % 16];
        if (*slot) {
            munmap(*slot, 4 * PAGE);
        }
        *slot = map(4 * PAGE);
        free(malloc(n % 100));
    }
    for (int i = 0; i < 16; i++) {
        if (kept[i]) {
            munmap(kept[i], 4 * PAGE);
        }
    }
    return NULL;
}

/* Threads map and unmap, while the first forks children that do the same. */
static int threads(void)
{
    pthread_t thread[4];
    for (uintptr_t i = 0; i < 4; i++) {
        pthread_create(&thread[i], NULL, storm, (void *)(i + 1));
    }
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            munmap(map(PAGE), PAGE);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        if (status != 0) {
            return 1;
        }
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
    }
    return 0;
}

static volatile sig_atomic_t handled;

static void on_alarm(int number)
{
    (void)number;
    int saved = errno;
    void *p = map(2 * PAGE);
    munmap(p, 2 * PAGE);
    handled++;
    errno = saved;
}

/* A signal handler that maps, at a program that allocates and maps. */
static int handlers(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval often = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 1000000 && handled < 500; i++) {
        void *block = malloc(100);
        if (i % 4 == 0) {
            munmap(map(3 * PAGE), 3 * PAGE);
        }
        free(block);
    }
    const struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
    puts("done");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } scenes[] = {
        {"lines", lines},         {"refused", refused},      {"shared-memory", shared_memory},
        {"break", program_break}, {"forks", forks},          {"threads", threads},
        {"handlers", handlers},   {"huge-pages", huge_pages}};
    static char buffer[4096]; /* so that printing does not move the program break */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (size_t i = 0; argc == 2 && i < sizeof scenes / sizeof scenes[0]; i++) {
        if (strcmp(argv[1], scenes[i].name) == 0) {
            return scenes[i].run();
        }
    }
    return 2;
}
