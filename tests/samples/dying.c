/* SPDX-License-Identifier: MIT
 *
 * dying HOW [SIGNAL]: keeps 50 blocks of 100 bytes, prints "ready", and dies. Each way is a row of
 * the table at the end. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int number; /* SIGNAL */
static volatile int sink;

static void keep(int n, size_t size)
{
    for (int i = 0; i < n; i++) {
        void *p = malloc(size);
        __asm__ volatile("" : "+r"(p)::"memory");
    }
}

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(9);
}

static void die_write(void)
{
    volatile int *volatile nowhere = (volatile int *)0x18;
    *nowhere = 1;
}

static void die_divide(void)
{
    volatile int zero = 0;
    sink = 1 / zero;
    raise(SIGFPE); /* where the processor does not mind */
}

static void die_illegal(void)
{
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#else
    __asm__ volatile(".inst 0");
#endif
}

/* A page of a file that has no such page. */
static void die_bus(void)
{
    FILE *f = tmpfile();
    volatile char *p = f ? mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0) : MAP_FAILED;
    if (p != MAP_FAILED)
        sink = *p;
}

/* Uses up the stack; the frames are small, so that the guard page is not jumped over. */
static __attribute__((noinline)) int deeper(int n)
{
    volatile char frame[512];
    frame[0] = (char)n;
    return n < 0 ? 0 : deeper(n + 1) + frame[0];
}

static void die_deep(void)
{
    sink = deeper(0);
}

static void *deep_thread(void *arg)
{
    keep(1, 7);
    die_deep();
    return arg;
}

static void in_thread(void *(*run)(void *), size_t stack)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack)
        pthread_attr_setstacksize(&attributes, stack);
    if (pthread_create(&thread, &attributes, run, NULL) == 0)
        pthread_join(thread, NULL);
}

static void die_deep_thread(void)
{
    in_thread(deep_thread, 0);
}

static void *raising_thread(void *arg)
{
    keep(1, 7);
    raise(number);
    return arg;
}

static void die_small_stack(void)
{
    in_thread(raising_thread, (size_t)sysconf(_SC_THREAD_STACK_MIN));
}

static void die_raise(void)
{
    raise(number);
}

/* The heap's own data: glibc ends the program from inside malloc or free, with its lock held. */
static void die_corrupt(void)
{
    char *a = malloc(5000), *b = malloc(5000);
    __asm__ volatile("" : "+r"(a), "+r"(b)::"memory");
    memset(a, 0x41, 5000 + 64);
    free(b);
    free(a);
    keep(1, 6000);
}

static void die_double_free(void)
{
    void *p = malloc(2000);
    keep(1, 10);
    __asm__ volatile("" : "+r"(p)::"memory");
    free(p);
    __asm__ volatile("" : "+r"(p)::"memory");
    free(p);
}

static void *allocates(void *arg)
{
    for (unsigned i = 0;; i++) {
        void *p = malloc(i % 1000);
        __asm__ volatile("" : "+r"(p)::"memory");
        free(p);
    }
    return arg;
}

/* Until somebody ends it, in SIGNAL threads beside this one. */
static void storm(void)
{
    pthread_t thread;
    for (int i = 0; i < number; i++)
        pthread_create(&thread, NULL, allocates, NULL);
    allocates(NULL);
}

static pthread_t first_thread;

static void *sends(void *arg)
{
    usleep((useconds_t)number);
    pthread_kill(first_thread, SIGTERM);
    return arg;
}

/* Another thread of its own ends it, after SIGNAL us. */
static void die_by_thread(void)
{
    pthread_t thread;
    first_thread = pthread_self();
    pthread_create(&thread, NULL, sends, NULL);
    allocates(NULL);
}

static pthread_barrier_t barrier;

static void *dies_with_others(void *arg)
{
    keep(1, 7);
    pthread_barrier_wait(&barrier);
    die_write();
    return arg;
}

static void die_together(void)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 8; i++)
        pthread_create(&thread, NULL, dies_with_others, NULL);
    pause();
}

/* A child of vfork and one of fork die; their parent lives. */
static void children_die(void)
{
    int status;
    pid_t child = vfork();
    if (child == 0) {
        raise(number);
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("vfork %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    child = fork();
    if (child == 0) {
        keep(3, 11);
        raise(number);
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("fork %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    exit(0);
}

/* Takes away what is mapped without a name from *SIZE bytes on, but for libraries' own data and
 * this thread's: what the profiler has for itself. */
static void ruin(unsigned long size)
{
    char line[512], name[256];
    unsigned long start, end, last = 0, own = (unsigned long)&errno;
    FILE *maps = fopen("/proc/self/maps", "r");
    struct {
        unsigned long start, end;
    } found[256];
    int n = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        int words = sscanf(line, "%lx-%lx %*s %*s %*s %*s %255s", &start, &end, name);
        if (words == 2 && strstr(line, " rw-p ") && start != last && end - start >= size &&
            (own < start || own >= end) && n < 256) {
            found[n].start = start;
            found[n++].end = end;
        }
        last = end;
    }
    while (n-- > 0)
        mprotect((void *)found[n].start, found[n].end - found[n].start, PROT_NONE);
}

static void die_ruined(void)
{
    ruin(10000); /* not what the loader has */
    raise(SIGTERM);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"write", die_write},
    {"divide", die_divide},
    {"illegal", die_illegal},
    {"bus", die_bus},
    {"deep", die_deep},
    {"deep-thread", die_deep_thread},
    {"small-stack", die_small_stack},
    {"raise", die_raise},
    {"abort", abort},
    {"corrupt", die_corrupt},
    {"double-free", die_double_free},
    {"storm", storm},
    {"together", die_together},
    {"by-thread", die_by_thread},
    {"children", children_die},
    {"ruined", die_ruined},
};

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    number = argc > 2 ? atoi(argv[2]) : 0;
    keep(50, 100);
    say("ready\n");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(how, ways[i].name) == 0)
            ways[i].run();
    return 2;
}
