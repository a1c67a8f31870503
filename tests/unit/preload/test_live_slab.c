/* SPDX-License-Identifier: MIT
 *
 * Which pages are asked for, by what the kernel tells of them.
 */
#include "live_slab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "support.h"

#define PAGE ((size_t)4096)
#define PIECE (73 * PAGE) /* as a region */
#define PIECES 40         /* more than a slab has */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static struct arena_pool pool;

static int end(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

/* Whether the mapping of P has FLAG, of two letters, in /proc/self/smaps. */
static bool flagged(const void *p, const char *flag)
{
    char line[4096];
    FILE *f = fopen("/proc/self/smaps", "re");
    assert_non_null(f);
    bool here = false, found = false;
    while (fgets(line, sizeof line, f)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            here = (uintptr_t)p >= from && (uintptr_t)p < to;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line + 8, flag) != NULL;
        }
    }
    fclose(f);
    return found;
}

/* How many pages of the piece P are there. */
static size_t pages_there(char *p)
{
    unsigned char there[PIECE / PAGE + 1] = {0};
    char *first = (char *)((uintptr_t)p & ~(PAGE - 1));
    assert_int_equal(mincore(first, PIECE, there), 0);
    size_t n = 0;
    for (size_t i = 0; i < PIECE / PAGE; i++) {
        n += there[i] & 1;
    }
    return n;
}

static void take(struct live_slab *s, char **piece, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        piece[i] = live_slab_take(s, &pool, PIECE);
        assert_non_null(piece[i]);
    }
}

static void pieces_are_apart_and_hold_nothing(void **state)
{
    (void)state;
    struct live_slab s = {0};
    char *piece[PIECES];
    for (int small = 0; small < 2; small++) {
        s.small = small;
        take(&s, piece, PIECES);
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t j = 0; j < PIECE; j++) {
                assert_int_equal(piece[i][j], 0);
            }
            memset(piece[i], 1, PIECE);
        }
    }
}

static void huge_pages_that_come_slowly_are_the_last(void **state)
{
    (void)state;
    struct live_slab s = {0};
    char *piece[PIECES];
    const bool huge = madvise(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE,
                              MADV_HUGEPAGE) == 0;
    take(&s, piece, 1);
    const bool judged = s.small; /* this machine is slow */
    if (!judged) {
        assert_int_equal(flagged(s.next, " hg"), huge);
    }
    const uint64_t fast = 1000, slow = INT64_MAX, back = UINT64_MAX; /* no processor's */
    live_slab_judge(&s, slow);
    live_slab_judge(&s, fast);
    live_slab_judge(&s, slow);
    live_slab_judge(&s, back);
    if (!judged) {
        assert_false(s.small);
    }
    live_slab_judge(&s, slow);
    live_slab_judge(&s, slow);
    assert_true(s.small);
    assert_true(!huge || flagged(s.next, " nh"));
    take(&s, piece, PIECES);
    assert_true(!huge || flagged(piece[PIECES - 1], " nh"));
    if (madvise(NULL, 0, MADV_POPULATE_WRITE) != 0 && errno == EINVAL) {
        return; /* before Linux 5.14 */
    }
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(pages_there(piece[i]), PIECE / PAGE);
    }
    assert_true(s.left >= PIECE && pages_there(s.next) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(pieces_are_apart_and_hold_nothing, end),
        cmocka_unit_test_teardown(huge_pages_that_come_slowly_are_the_last, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
