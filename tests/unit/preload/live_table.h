/* SPDX-License-Identifier: MIT
 *
 * A live table to be tested, and blocks in made-up address space: the table never looks at their
 * memory, so any numbers do for their addresses.
 */
#ifndef LIVE_TABLE_H
#define LIVE_TABLE_H

#include <string.h>

#include "live.h"
#include "support.h"

#define REGION ((uintptr_t)2 << 20)
#define BASE ((uintptr_t)0x7f1234000000)

static struct arena_pool pool;
static struct live live;

static inline int live_table_setup(void **state)
{
    (void)state;
    memset(&live, 0, sizeof live);
    live_init(&live, &pool);
    return 0;
}

static inline int live_table_teardown(void **state)
{
    (void)state;
    arena_pool_clear(&pool);
    return 0;
}

#define UNIT ((uint64_t)1 << LIVE_STAMP_UNIT)

/* Births are kept in units; 0 means none. */
static inline void assert_block(const struct live_block *found, const struct live_block *expected)
{
    assert_int_equal(found->site, expected->site);
    assert_int_equal(found->size, expected->size);
    assert_int_equal(found->thinned, expected->thinned);
    assert_true((found->birth == 0) == (expected->birth == 0));
    assert_true(expected->birth - found->birth + UNIT < 2 * UNIT);
}

static inline void insert_new(struct live_cache *cache, uintptr_t address,
                              const struct live_block *block)
{
    struct live_block old;
    assert_int_equal(live_insert(&live, cache, address, block, &old), LIVE_OK);
}

static inline void remove_known(struct live_cache *cache, uintptr_t address,
                                const struct live_block *expected)
{
    struct live_block found;
    memset(&found, 0x77, sizeof found);
    assert_true(live_remove(&live, cache, address, &found));
    assert_block(&found, expected);
    assert_false(live_remove(&live, cache, address, &found));
}

#endif
