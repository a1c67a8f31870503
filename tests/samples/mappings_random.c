/* SPDX-License-Identifier: MIT
 *
 * Random mapping calls inside a window of address space, with a model that knows for each page by
 * which call it is mapped: mappings_random SEED CALLS prints what a record of the calls must have
 * counted. The model itself is compared with /proc/self/maps; status 1 if they differ. With a third
 * argument it kills itself then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 400, LONGEST = 24, CALLS_MAX = 100000 };
#define PAGE 4096u
/* Far from where the kernel puts things of its own accord. */
#define WINDOW ((uintptr_t)1 << 36)

static char *window;
static uint32_t owner[PAGES]; /* the call that mapped the page, 0: none */
static uint32_t left[CALLS_MAX + 1];
static uint32_t calls; /* that mapped */
static uint64_t alloc_bytes, freed_bytes, peak_bytes;
static uint32_t free_count, realloc_count, failed_count;
static uint64_t state;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

static uint64_t live(void)
{
    return alloc_bytes - freed_bytes;
}

static void unmapped(size_t page, size_t n)
{
    if (live() > peak_bytes) {
        peak_bytes = live();
    }
    for (size_t i = page; i < page + n; i++) {
        if (owner[i] != 0) {
            freed_bytes += PAGE;
            free_count += --left[owner[i]] == 0;
        }
        owner[i] = 0;
    }
}

static void mapped(size_t page, size_t n, bool again)
{
    calls++;
    realloc_count += again;
    alloc_bytes += n * PAGE;
    left[calls] = (uint32_t)n;
    for (size_t i = page; i < page + n; i++) {
        owner[i] = calls;
    }
}

static bool is_mapped(size_t page)
{
    return msync(window + page * PAGE, PAGE, MS_ASYNC) == 0;
}

/* A call failed that was to unmap the N pages at PAGE_NUMBER, maybe when they were gone. */
static void look_again(size_t page_number, size_t n)
{
    for (size_t i = page_number; i < page_number + n; i++) {
        if (owner[i] != 0 && !is_mapped(i)) {
            unmapped(i, 1);
        }
    }
}

static void call_mmap(size_t page, size_t n)
{
    int flags = MAP_ANONYMOUS | (below(4) ? MAP_PRIVATE : MAP_SHARED);
    int protection = below(3) ? PROT_READ | PROT_WRITE : below(2) ? PROT_READ : PROT_NONE;
    flags |= below(3) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    int fd = -1;
    if (below(10) == 0) { /* neither a file nor anonymous */
        flags &= ~MAP_ANONYMOUS;
    }
    size_t length = n * PAGE - below(PAGE); /* is rounded up */
    void *p = mmap(window + page * PAGE, length, protection, flags, fd, 0);
    if (p == MAP_FAILED) {
        failed_count++;
        look_again(page, n);
        return;
    }
    unmapped(page, n);
    mapped(page, n, false);
}

static void call_munmap(size_t page, size_t n)
{
    size_t length = n * PAGE - below(PAGE);
    if (munmap(window + page * PAGE + (below(20) ? 0 : 1), length) == 0) {
        unmapped(page, n);
    }
}

static bool has_hole(size_t page, size_t n)
{
    while (n > 0 && owner[page] != 0) {
        page++;
        n--;
    }
    return n > 0;
}

static void call_mremap(size_t page, size_t n)
{
    const size_t to = below(PAGES - LONGEST), size = 1 + below(LONGEST);
    char *old = window + page * PAGE, *new = window + to *PAGE;
    bool copies = false, moves = below(3) == 0;
    size_t old_size = n;
    int flags = moves ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
    if (moves && below(4) == 0) {
        copies = true;
        old_size = 0; /* another mapping of what is shared */
    }
    if (moves && !copies && below(4) == 0) {
        copies = true;
        flags |= MREMAP_DONTUNMAP;
    }
    if (moves && !copies && has_hole(page, n)) {
        return; /* whether it is moved along depends on the kernel's version */
    }
    void *p = mremap(old, old_size * PAGE, size * PAGE, flags, new);
    const size_t at = moves ? to : page;
    if (p == MAP_FAILED) {
        failed_count++;
        look_again(at, moves ? size : 0);
        look_again(page, moves ? n : 0);
        return;
    }
    if (!moves && size <= n) { /* what there is stays */
        unmapped(page + size, n - size);
        return;
    }
    if (!copies) {
        unmapped(page, n);
    }
    if (moves) {
        unmapped(to, size);
    }
    mapped(at, size, !copies);
}

/* Whether the kernel has mapped what the model says, and nothing else, in the window. */
static bool model_is_right(void)
{
    static bool there[PAGES];
    FILE *f = fopen("/proc/self/maps", "re");
    uintptr_t start, end;
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2) {
            return false;
        }
        for (uintptr_t p = start; p < end && p - (uintptr_t)window < PAGES * PAGE; p += PAGE) {
            there[(p - (uintptr_t)window) / PAGE] = true;
        }
    }
    for (size_t i = 0; f && i < PAGES; i++) {
        if (there[i] != (owner[i] != 0)) {
            printf("page %zu: call %" PRIu32 " by the model\n", i, owner[i]);
            return false;
        }
    }
    return f && fclose(f) == 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    state = strtoull(argv[1], NULL, 10);
    const unsigned long n = strtoul(argv[2], NULL, 10);
    if (n > CALLS_MAX) {
        return 2;
    }
    window = (char *)WINDOW;
    for (unsigned long i = 0; i < n; i++) {
        const size_t page = below(PAGES - LONGEST), pages = 1 + below(LONGEST);
        switch (below(4)) {
        case 0:
            call_munmap(page, pages);
            break;
        case 1:
            call_mremap(page, pages);
            break;
        default:
            call_mmap(page, pages);
        }
    }
    if (!model_is_right()) {
        return 1;
    }
    if (live() > peak_bytes) {
        peak_bytes = live();
    }
    printf("{\"alloc_count\": %" PRIu32 ", \"alloc_bytes\": %" PRIu64 ", \"free_count\": %" PRIu32
           ", \"freed_bytes\": %" PRIu64 ", \"realloc_count\": %" PRIu32
           ", \"failed_count\": %" PRIu32 ", \"peak_bytes\": %" PRIu64 "}\n",
           calls, alloc_bytes, free_count, freed_bytes, realloc_count, failed_count, peak_bytes);
    if (argc > 3 && fflush(stdout) == 0) {
        raise(SIGKILL);
    }
    return 0;
}
