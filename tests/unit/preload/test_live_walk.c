/* SPDX-License-Identifier: MIT
 *
 * A walk over the live table tells what was put in and not taken out, once each.
 */
#include "live_walk.h"

#include <string.h>

#include "resident.h"
#include "support.h"

enum { BLOCKS = 60000, UNIT = 8 };
#define BASE ((uintptr_t)0x10000000)
#define REGION ((uintptr_t)1 << LIVE_REGION_BITS)

static struct arena_pool pool;
static struct live live;
static struct live_cache cache = LIVE_CACHE_EMPTY;

/* By address, in units of 8 bytes: what was put in there; of size 0: nothing. */
static struct live_block model[BLOCKS * 4];
static bool seen[BLOCKS * 4];

struct range {
    uintptr_t start, end;
    size_t n;
    uintptr_t region; /* of the last block */
};

static void visit(void *arg, uintptr_t address, const struct live_block *block)
{
    struct range *r = arg;
    const size_t i = (address - BASE) / UNIT;
    assert_true(address >= r->start && address < r->end);
    assert_true(address / REGION >= r->region);
    r->region = address / REGION;
    assert_true(i < sizeof model / sizeof model[0]);
    assert_false(seen[i]);
    seen[i] = true;
    assert_int_equal(block->size, model[i].size);
    assert_int_equal(block->site, model[i].site);
    r->n++;
}

static void check(int pagemap, uintptr_t start, uintptr_t end)
{
    struct range r = {start, end, 0, 0};
    size_t expected = 0;
    memset(seen, 0, sizeof seen);
    live_walk(&live, pagemap, start, end, visit, &r);
    for (size_t i = 0; i < sizeof model / sizeof model[0]; i++) {
        const uintptr_t address = BASE + i * UNIT;
        expected += model[i].size > 0 && address >= start && address < end;
    }
    assert_int_equal(r.n, expected);
}

/* Blocks of up to 8 kB from BASE on, a third of them taken out again. SPACING: bytes that each
 * takes at the least. */
static void fill(uint64_t seed, size_t spacing, bool one_each)
{
    memset(&live, 0, sizeof live);
    memset(&cache, 0, sizeof cache);
    memset(model, 0, sizeof model);
    live_init(&live, &pool);
    if (one_each) {
        live_set_one_each(&live);
    }
    uintptr_t address = BASE;
    for (int n = 0; n < BLOCKS; n++) {
        const uint64_t size = 1 + support_below(&seed, support_below(&seed, 300) ? 24 : 8000);
        const struct live_block block = {.site = 1 + (uint32_t)n % 99, .size = size, .birth = 1};
        struct live_block old;
        const uintptr_t taken = (size + spacing - 1) & ~(uintptr_t)(spacing - 1);
        if ((address + taken - BASE) / UNIT >= sizeof model / sizeof model[0]) {
            break;
        }
        assert_int_equal(live_insert(&live, &cache, address, &block, &old), LIVE_OK);
        if (support_below(&seed, 3) == 0) {
            assert_true(live_remove(&live, &cache, address, &old));
        } else {
            model[(address - BASE) / UNIT] = block;
        }
        address += taken;
    }
}

static void walk_all(int pagemap)
{
    check(pagemap, BASE, BASE + sizeof model);
    check(pagemap, BASE + 1000, BASE + 1000);
    check(pagemap, BASE + 1000, BASE + 5000);
    check(pagemap, BASE + 12345 * UNIT, BASE + 50000 * UNIT + 3);
    check(pagemap, 0, BASE + 77 * UNIT);
    check(pagemap, BASE - 3 * REGION, BASE);
    /* More than anyone could go over region by region. */
    check(pagemap, BASE + 1000, UINTPTR_MAX);
    check(pagemap, 0, (uintptr_t)1 << 62);
}

static void blocks_of_glibc(void **state)
{
    (void)state;
    fill(3, 32, true);
    const int pagemap = resident_open();
    walk_all(pagemap);
    resident_close(pagemap);
    walk_all(-1); /* where it is not told which pages were touched */
    arena_pool_clear(&pool);
}

/* Of other allocators, several in 32 bytes. */
static void crowded_blocks(void **state)
{
    (void)state;
    fill(4, 8, false);
    const int pagemap = resident_open();
    walk_all(pagemap);
    resident_close(pagemap);
    arena_pool_clear(&pool);
}

static void an_empty_table(void **state)
{
    (void)state;
    memset(&live, 0, sizeof live);
    memset(model, 0, sizeof model);
    live_init(&live, &pool);
    walk_all(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_glibc),
        cmocka_unit_test(crowded_blocks),
        cmocka_unit_test(an_empty_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
