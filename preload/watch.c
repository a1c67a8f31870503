/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "memory.h"
#include "sys.h"

/* A look takes a few microseconds. */
#define FAR_NS 10000000u /* between looks while less than half is in use */
#define NEAR_NS 1000000u
#define FIND_NS 1000000000u

/* The look at one limit. */
struct level {
    const char *kind;
    uint64_t used, limit, at; /* AT bytes are what is waited for */
};

void watch_start(struct watch *w, const struct options *options)
{
    memset(w, 0, sizeof *w);
    w->at_bytes = options->dump_at_bytes;
    w->at_percent = options->dump_at_percent;
    w->next_ns = w->at_bytes || w->at_percent ? 0 : UINT64_MAX;
}

/* Keeps in BEST the level that is fullest. */
static void consider(struct level *best, const struct level *level)
{
    /* Without products that could overflow, and at least as exact as the figures are. */
    if (level->at > 0 &&
        (double)level->used * (double)best->at >= (double)best->used * (double)level->at) {
        *best = *level;
    }
}

static uint64_t share(const struct watch *w, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)limit * w->at_percent / 100000);
}

static uint64_t soft_limit(int resource)
{
    struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
    sys_call(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
    return limit.rlim_cur == RLIM64_INFINITY ? 0 : limit.rlim_cur;
}

static void look_at_groups(struct watch *w, uint64_t own, uint64_t elapsed_ns, struct level *best)
{
    if (elapsed_ns >= w->next_find_ns) {
        w->found = cgroup_find(&w->group, "/proc/self/cgroup", "/sys/fs/cgroup");
        w->next_find_ns = elapsed_ns + FIND_NS;
    }
    if (w->found) {
        struct level level = {.kind = "cgroup", .limit = w->group.limit_bytes};
        level.at = share(w, level.limit);
        const uint64_t used = cgroup_used(&w->group, level.at);
        level.used = used > own ? used : own;
        consider(best, &level);
    }
}

static void look_at_limits(struct watch *w, uint64_t own, const struct memory_pages *pages,
                           uint64_t elapsed_ns, struct level *best)
{
    const struct level levels[] = {
        {"address-space", pages->size_bytes, soft_limit(RLIMIT_AS), 0},
        {"data", pages->data_bytes, soft_limit(RLIMIT_DATA), 0},
    };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct level level = levels[i];
        level.used = level.used > own ? level.used : own;
        level.at = share(w, level.limit);
        consider(best, &level);
    }
    look_at_groups(w, own, elapsed_ns, best);
    if (!best->kind) {
        const uint64_t all = memory_of_machine();
        const struct level machine = {"machine", own, all, share(w, all)};
        consider(best, &machine);
    }
}

bool watch_look(struct watch *w, uint64_t live_bytes, uint64_t elapsed_ns, struct cause *cause)
{
    if (elapsed_ns < w->next_ns) {
        return false;
    }
    struct memory_pages pages;
    memory_pages(&pages);
    const uint64_t own = pages.rss_bytes > live_bytes ? pages.rss_bytes : live_bytes;
    struct level best = {.at = 1};
    if (w->at_bytes) {
        best = (struct level){"size", own, w->at_bytes, w->at_bytes};
    } else {
        look_at_limits(w, own, &pages, elapsed_ns, &best);
    }
    const bool above = best.used >= best.at, news = above && !w->above;
    if (above || best.used < best.at - best.at / 8) {
        w->above = above;
    }
    w->next_ns = elapsed_ns + (!w->above && best.used >= best.at / 2 ? NEAR_NS : FAR_NS);
    if (news) {
        *cause = (struct cause){
            .trigger = best.kind, .limit_bytes = best.limit, .used_bytes = best.used};
    }
    return news;
}
