/* SPDX-License-Identifier: MIT
 *
 * Against a plain array with an entry for every 8 bytes of made-up address space. The table never
 * looks at the memory of blocks, so any numbers do for their addresses.
 */
#include <string.h>

#include "live_table.h"

/* A little around the end of a region. */
#define LOW (BASE + REGION - 4096)
#define CELLS ((size_t)1024)

static uint64_t random_size(uint64_t *seed)
{
    static const uint64_t below[] = {1, 9, 32, 64, 66, 200, 1024};
    return support_below(seed, below[support_below(seed, 7)]);
}

/* How many 8-byte cells a block takes. */
static size_t cells_of(uint64_t size)
{
    return size == 0 ? 1 : (size + 7) / 8;
}

/* Blocks that lie as an allocator may lay them: 8-aligned, apart, of any size. */
static void random_blocks_across_a_region_end(void **state)
{
    (void)state;
    static struct live_block block[CELLS];
    static uint16_t owner[CELLS]; /* index + 1 of the block that takes the cell */
    memset(owner, 0, sizeof owner);
    struct live_cache cache = LIVE_CACHE_EMPTY;
    uint64_t seed = 8, now = 0;
    for (int i = 0; i < 400000; i++) {
        size_t at = support_below(&seed, CELLS);
        uintptr_t address = LOW + at * 8;
        now += support_below(&seed, 5000);
        if (owner[at] == at + 1) {
            remove_known(&cache, address, &block[at]);
            for (size_t c = 0; c < cells_of(block[at].size); c++) {
                owner[at + c] = 0;
            }
            continue;
        }
        struct live_block found;
        assert_false(live_remove(&live, &cache, address, &found));
        uint64_t size = random_size(&seed);
        bool fits = at + cells_of(size) <= CELLS;
        for (size_t c = 0; fits && c < cells_of(size); c++) {
            fits = owner[at + c] == 0;
        }
        if (fits) {
            block[at] = (struct live_block){(uint32_t)(1 + support_below(&seed, LIVE_MAX_SITE)),
                                            size, now, now % 2};
            insert_new(&cache, address, &block[at]);
            for (size_t c = 0; c < cells_of(size); c++) {
                owner[at + c] = (uint16_t)(at + 1);
            }
        }
    }
    for (size_t at = 0; at < CELLS; at++) {
        if (owner[at] == at + 1) {
            remove_known(&cache, LOW + at * 8, &block[at]);
        }
    }
}

static void sizes_of_all_orders(void **state)
{
    (void)state;
    struct live_cache cache = LIVE_CACHE_EMPTY;
    static struct live_block block[4 * 41 * 3];
    static uintptr_t address[4 * 41 * 3];
    size_t n = 0;
    for (unsigned offset = 0; offset < 4; offset++) {
        for (unsigned bits = 0; bits <= 40; bits++) {
            for (int delta = -1; delta <= 1; delta++) {
                uint64_t size = ((uint64_t)1 << bits) + (uint64_t)(int64_t)delta;
                address[n] = ((uintptr_t)(n + 1) << 21) + 32 * n + (uintptr_t)8 * offset;
                block[n] = (struct live_block){(uint32_t)(LIVE_MAX_SITE - n), size, n * 64, n % 2};
                insert_new(&cache, address[n], &block[n]);
                n++;
            }
        }
    }
    while (n-- > 0) {
        remove_known(&cache, address[n], &block[n]);
    }
}

static void the_largest_values_are_kept(void **state)
{
    (void)state;
    struct live_cache cache = LIVE_CACHE_EMPTY;
    const uint64_t ages = (uint64_t)1 << 58;
    const struct live_block block = {LIVE_MAX_SITE, ((uint64_t)1 << 61) - 1, ages, true};
    insert_new(&cache, BASE, &block);
    remove_known(&cache, BASE, &block);
    const struct live_block last = {1, 63, 0, false}; /* of the address space */
    insert_new(&cache, 0x7ffffffffff8, &last);
    remove_known(&cache, 0x7ffffffffff8, &last);
}

static void eight_byte_blocks_crowd_a_slot(void **state)
{
    (void)state;
    enum { BLOCKS = 4096 };
    struct live_cache cache = LIVE_CACHE_EMPTY;
    static struct live_block block[BLOCKS];
    uint64_t seed = 31;
    for (int round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < BLOCKS; i++) {
            block[i] = (struct live_block){1 + i, support_below(&seed, 9), i, i % 2};
            insert_new(&cache, BASE + 8 * (uintptr_t)i, &block[i]);
        }
        /* In an order of its own each time: an odd step visits all. */
        uint32_t step = 2 * (uint32_t)support_below(&seed, BLOCKS) + 1;
        for (uint32_t k = 0, i = 0; k < BLOCKS; k++, i = (i + step) % BLOCKS) {
            remove_known(&cache, BASE + 8 * (uintptr_t)i, &block[i]);
        }
    }
}

static void a_missed_free_is_told(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 8, 63, 64, 100000};
    struct live_cache cache = LIVE_CACHE_EMPTY;
    for (size_t a = 0; a < 5; a++) {
        for (size_t b = 0; b < 5; b++) {
            for (uintptr_t offset = 0; offset < 32; offset += 8) {
                const struct live_block first = {1, sizes[a], 640, false},
                                        second = {2, sizes[b], 6400, true};
                struct live_block old;
                insert_new(&cache, BASE + offset, &first);
                assert_int_equal(live_insert(&live, &cache, BASE + offset, &second, &old),
                                 LIVE_REPLACED);
                assert_block(&old, &first);
                remove_known(&cache, BASE + offset, &second);
            }
        }
    }
}

static void who_lies_on_a_missed_one_stays(void **state)
{
    (void)state;
    struct live_cache cache = LIVE_CACHE_EMPTY;
    struct live_block old;
    const struct live_block missed = {1, 100, 0, false}, upon = {2, 7, 640, false},
                            next = {3, 9, 0, false};
    live_set_one_each(&live);
    insert_new(&cache, BASE, &missed);
    assert_int_not_equal(live_insert(&live, &cache, BASE + 32, &upon, &old), LIVE_FULL);
    assert_int_equal(live_insert(&live, &cache, BASE, &next, &old), LIVE_REPLACED);
    assert_int_equal(old.site, missed.site);
    remove_known(&cache, BASE + 32, &upon);
    remove_known(&cache, BASE, &next);
}

static void unknown_blocks_are_not_found(void **state)
{
    (void)state;
    struct live_cache cache = LIVE_CACHE_EMPTY;
    struct live_block found;
    assert_false(live_remove(&live, &cache, BASE, &found));
    const struct live_block block = {1, 100000, 0, false};
    insert_new(&cache, BASE + 64, &block);
    for (uintptr_t offset = 0; offset < 256; offset += 8) {
        if (offset != 64) {
            assert_false(live_remove(&live, &cache, BASE + offset, &found));
        }
    }
    remove_known(&cache, BASE + 64, &block);
}

static void many_regions(void **state)
{
    (void)state;
    enum { REGIONS = 1000 };
    struct live_cache cache = LIVE_CACHE_EMPTY, none = LIVE_CACHE_EMPTY;
    for (uint64_t i = 0; i < REGIONS; i++) {
        const struct live_block block = {1 + (uint32_t)i, i * 7, i * 64, i % 2};
        insert_new(&cache, BASE + i * 3 * REGION + i * 8, &block);
    }
    for (uint64_t i = 0; i < REGIONS; i++) {
        const struct live_block block = {1 + (uint32_t)i, i * 7, i * 64, i % 2};
        remove_known(i % 2 ? &cache : &none, BASE + i * 3 * REGION + i * 8, &block);
    }
}

int main(void)
{
#define WITH_TABLE(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, live_table_setup, live_table_teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(random_blocks_across_a_region_end),
        WITH_TABLE(sizes_of_all_orders),
        WITH_TABLE(the_largest_values_are_kept),
        WITH_TABLE(eight_byte_blocks_crowd_a_slot),
        WITH_TABLE(a_missed_free_is_told),
        WITH_TABLE(who_lies_on_a_missed_one_stays),
        WITH_TABLE(unknown_blocks_are_not_found),
        WITH_TABLE(many_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
