/* SPDX-License-Identifier: MIT */
#include "live_slab.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "clock.h"
#include "sys.h"

#define SLAB (4 * LIVE_HUGE_PAGE)

/* 512 small pages take 0.7 ms (populated) to 1.1 (one by one); a huge page 0.1 to 0.2, and 2.2 if
 * the host must find memory for it. */
#define SLOW_NS ((uint64_t)800000)
#define SLOW_ENOUGH 2 /* such pages in a row */
#define BARRIER() __asm__ volatile("" ::: "memory")

/* Whether huge pages are asked for or not, S might get them by the system's default. */
static void want_no_huge(const struct live_slab *s)
{
    sys_call(SYS_madvise, (long)s->next, (long)s->left, MADV_NOHUGEPAGE, 0, 0, 0);
}

void live_slab_judge(struct live_slab *s, uint64_t ticks)
{
    const bool back = ticks > INT64_MAX; /* on a processor whose counter is behind */
    const bool slow = !back && ticks > (SLOW_NS << 32) / arch_ns_per_tick();
    s->slow = slow ? s->slow + 1 : 0;
    if (s->slow == SLOW_ENOUGH) {
        s->small = true;
        want_no_huge(s);
    }
}

/* Whether huge pages come slowly is found out by the first of them. */
static void try_huge(struct live_slab *s)
{
    sys_prefer_huge(s->next, SLAB);
    for (size_t at = 0; at == 0 || (s->slow > 0 && !s->small); at += LIVE_HUGE_PAGE) {
        const uint64_t before = clock_ticks();
        *(volatile char *)(s->next + at) = 0;
        live_slab_judge(s, clock_ticks() - before);
    }
}
_Static_assert(SLAB >= SLOW_ENOUGH * LIVE_HUGE_PAGE, "enough to find out");

/* Another thread may fork at any time, and the child goes on with what it finds: less may be left
 * than there is, but not more. */

static bool slab_new(struct live_slab *s, struct arena_pool *pool)
{
    char *memory = arena_pool_map(pool, SLAB + LIVE_HUGE_PAGE);
    if (!memory) {
        return false;
    }
    s->left = 0;
    BARRIER();
    s->next = (char *)(((uintptr_t)memory + LIVE_HUGE_PAGE - 1) & ~(LIVE_HUGE_PAGE - 1));
    BARRIER();
    s->left = SLAB;
    if (s->small) {
        want_no_huge(s);
    } else {
        try_huge(s);
    }
    return true;
}

void *live_slab_take(struct live_slab *s, struct arena_pool *pool, size_t size)
{
    if (s->left < size && !slab_new(s, pool)) {
        return NULL;
    }
    char *p = s->next;
    s->left -= size;
    BARRIER();
    s->next += size;
    if (s->small) {
        arena_pool_fill(p, size);
    }
    return p;
}
