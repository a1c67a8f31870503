/* SPDX-License-Identifier: MIT
 *
 * The highest value of a site's live bytes, against one that is followed at each step.
 */
#include "dump_sites.h"
#include "support.h"

static void alone_the_maximum_is_exact(void **state)
{
    (void)state;
    static struct shard shard;
    int64_t live = 0, most = 0;
    uint64_t seed = 90;
    for (int i = 0; i < 20000; i++) {
        uint64_t size = support_below(&seed, 5000);
        if (live >= (int64_t)size && support_below(&seed, 2)) {
            counter_add(&shard.freed_bytes, size);
            live -= (int64_t)size;
        } else {
            counter_add(&shard.alloc_bytes, size);
            live += (int64_t)size;
        }
        most = live > most ? live : most;
        shard_follow_max(&shard);
        assert_true((int64_t)counter_get(&shard.max_live_bytes) == most);
    }
}

/* Several threads' shards of one site, one of which mostly frees what others allocate. Each keeps
 * back less than an eighth. */
static void shared_the_maximum_is_close(void **state)
{
    (void)state;
    enum { SHARDS = 3 };
    static struct shard shard[SHARDS];
    struct site site = {0};
    int64_t live = 0, most = 0;
    uint64_t seed = 91;
    for (int i = 0; i < 100000; i++) {
        struct shard *s = &shard[support_below(&seed, SHARDS)];
        uint64_t size = 1 + support_below(&seed, 500);
        bool grow = (i / 7000) % 2 == 0;
        if (live >= (int64_t)size && support_below(&seed, 10) < (grow ? 4 : 6)) {
            s = support_below(&seed, 2) ? &shard[0] : s;
            counter_add(&s->freed_bytes, size);
            live -= (int64_t)size;
        } else {
            counter_add(&s->alloc_bytes, size);
            live += (int64_t)size;
        }
        most = live > most ? live : most;
        shard_follow_max_shared(s, &site);
    }
    assert_true(most > 100000);
    assert_in_range(site.max_live_bytes, most - most * SHARDS / 8, most + most * SHARDS / 8);
}

/* One thread allocates, another frees, block by block; before, the first held more. */
static void what_others_free_is_no_maximum(void **state)
{
    (void)state;
    enum { BEFORE = 70000, SIZE = 1000, TIMES = 10000 };
    static struct shard one, other;
    struct site site = {0};
    counter_add(&one.alloc_bytes, BEFORE);
    shard_follow_max(&one);
    counter_add(&one.freed_bytes, BEFORE);
    for (int i = 0; i < TIMES; i++) {
        counter_add(&one.alloc_bytes, SIZE);
        shard_follow_max(&one);
        shard_follow_max_shared(&one, &site);
        counter_add(&other.freed_bytes, SIZE);
        shard_follow_max_shared(&other, &site);
    }
    const struct shard *both[] = {&one, &other};
    uint32_t first[] = {0, 2};
    const struct dump_sites d = {.shard = both, .first = first, .peak = INT64_MAX};
    struct dump_sums sums;
    dump_sites_sum(&d, 0, &site, &sums);
    assert_int_equal(sums.max_live_bytes, BEFORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_the_maximum_is_exact),
        cmocka_unit_test(shared_the_maximum_is_close),
        cmocka_unit_test(what_others_free_is_no_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
