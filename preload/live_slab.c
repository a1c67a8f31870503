/* SPDX-License-Identifier: MIT */
#include "live_slab.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "clock.h"
#include "sys.h"

#define SLAB (4 * LIVE_HUGE_PAGE)

/* 0.6 to 1 ms on most machines. 512 small pages take 0.7 (populated) to 1.1 (one by one); a huge
 * page 0.1 to 0.2, and 2.2 if the host must find memory for it. */
#define SLOW_TICKS ((uint64_t)1 << 21)

/* Whether huge pages are asked for or not, S might get them by the system's default. */
static void want_no_huge(const struct live_slab *s)
{
    sys_call(SYS_madvise, (long)s->next, s->end - s->next, MADV_NOHUGEPAGE, 0, 0, 0);
}

void live_slab_judge(struct live_slab *s, uint64_t ticks)
{
    if (ticks > SLOW_TICKS) {
        s->small = true;
        want_no_huge(s);
    }
}

static bool slab_new(struct live_slab *s, struct arena_pool *pool)
{
    char *memory = arena_pool_map(pool, SLAB + LIVE_HUGE_PAGE);
    if (!memory) {
        return false;
    }
    s->next = (char *)(((uintptr_t)memory + LIVE_HUGE_PAGE - 1) & ~(LIVE_HUGE_PAGE - 1));
    s->end = s->next + SLAB;
    if (s->small) {
        want_no_huge(s);
    } else {
        sys_prefer_huge(s->next, SLAB);
        const uint64_t before = clock_ticks();
        *(volatile char *)s->next = 0;
        live_slab_judge(s, clock_ticks() - before);
    }
    return true;
}

void *live_slab_take(struct live_slab *s, struct arena_pool *pool, size_t size)
{
    if ((size_t)(s->end - s->next) < size && !slab_new(s, pool)) {
        return NULL;
    }
    char *p = s->next;
    s->next += size;
    if (s->small) {
        arena_pool_fill(p, size);
    }
    return p;
}
