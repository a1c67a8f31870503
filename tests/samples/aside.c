/* SPDX-License-Identifier: MIT
 *
 * aside DIRECTORY COUNT: one thread allocates and frees blocks of changing sizes at a few places,
 * while another, which never allocates, has COUNT dumps written to DIRECTORY, 1.json and so on.
 * Prints what the first had live at the most, what it has at the end, and how many calls it made.
 */
#include <inttypes.h>
#include <memprof/memprof.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCKS = 256 };

static atomic_int stop, failures;
static const char *directory;
static int count;
static struct {
    void *at;
    size_t size;
} block[BLOCKS];
static uint64_t live, most, calls;

static void *dumps(void *unused)
{
    char path[4096];
    for (int i = 1; i <= count; i++) {
        snprintf(path, sizeof path, "%s/%d.json", directory, i);
        failures += memprof_dump(path) != 0;
    }
    stop = 1;
    return unused;
}

#define PLACE(n)                                                                                   \
    static __attribute__((noinline)) void *place##n(size_t size)                                   \
    {                                                                                              \
        void *p = malloc(size);                                                                    \
        __asm__ volatile("" : "+r"(p)::"memory");                                                  \
        return p;                                                                                  \
    }
PLACE(0)
PLACE(1)
PLACE(2)
PLACE(3)

static void *(*const place[])(size_t) = {place0, place1, place2, place3};

static void change(unsigned i, unsigned how, size_t size)
{
    if (block[i].at) {
        free(block[i].at);
        live -= block[i].size;
        block[i].at = NULL;
    } else {
        block[i].at = place[how](size);
        if (!block[i].at)
            abort();
        block[i].size = size;
        live += size;
        calls++;
        most = live > most ? live : most;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    directory = argv[1];
    count = atoi(argv[2]);
    pthread_t thread;
    if (pthread_create(&thread, NULL, dumps, NULL) != 0)
        return 2;
    uint64_t seed = 1;
    for (size_t largest = 64; !stop; largest += largest < 1000000) { /* new peaks all the time */
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const unsigned r = (unsigned)(seed >> 33);
        change(r % BLOCKS, r / BLOCKS % 4, seed >> 45 & 1 ? largest : largest / 3);
    }
    pthread_join(thread, NULL);
    char text[200];
    const int n = snprintf(text, sizeof text,
                           "{\"peak_bytes\": %" PRIu64 ", \"live_bytes\": %" PRIu64
                           ", \"alloc_count\": %" PRIu64 "}\n",
                           most, live, calls);
    return write(1, text, (size_t)n) != n || failures;
}
