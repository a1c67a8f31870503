/* SPDX-License-Identifier: MIT
 *
 * Figures that are larger than counters of 32 bits, and than the format's numbers.
 */
#include "recorder.h"

#include <stdlib.h>

#include "dump.h"
#include "recording.h"

#define TIB ((uint64_t)1 << 40)

/* N blocks of SIZE bytes come and go, and one stays. */
static void feed(uint64_t n, uint64_t size)
{
    for (uint64_t i = 0; i < n; i++) {
        assert_true(feed_alloc(recording, 0, SITE_malloc, RECORDING_BASE, size));
        assert_true(feed_free(recording, RECORDING_BASE));
    }
    assert_true(feed_alloc(recording, 1, SITE_malloc, RECORDING_BASE + 4096, size));
}

static void bytes_pass_32_bits(void **state)
{
    (void)state;
    feed(100, TIB);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_bytes"), 101 * TIB);
    assert_int_equal(parsed_number(totals, "freed_bytes"), 100 * TIB);
    assert_int_equal(parsed_number(totals, "live_bytes"), TIB);
    assert_int_equal(parsed_number(totals, "peak_bytes"), TIB);
    json_decref(d);
}

/* 2^63 bytes: as many as 2^23 blocks of 1 TiB have. */
static void bytes_saturate(void **state)
{
    (void)state;
    const uint64_t n = ((uint64_t)1 << 23) + 7;
    feed(n, TIB);
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_count"), n + 1);
    assert_int_equal(parsed_number(totals, "alloc_bytes"), INT64_MAX);
    assert_int_equal(parsed_number(totals, "freed_bytes"), INT64_MAX);
    assert_int_equal(parsed_number(totals, "live_bytes"), TIB);
    assert_int_equal(parsed_number(totals, "peak_bytes"), TIB);
    json_decref(d);
}

/* As many modules as one can think of were unloaded. */
static void generations_wrap(void **state)
{
    (void)state;
    atomic_store(&recording->modules.generation, UINT32_MAX - 1);
    for (uintptr_t i = 0; i < 8; i++) {
        assert_true(feed_alloc(recording, (int)(i % FEED_PLACES), SITE_malloc,
                               RECORDING_BASE + i * 64, 10));
        modules_changed(&recording->modules);
    }
    json_t *d = recording_dump(), *totals = json_object_get(d, "totals");
    assert_int_equal(parsed_number(totals, "alloc_count"), 8);
    assert_int_equal(json_array_size(json_object_get(d, "sites")), FEED_PLACES);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDING_TEST(bytes_pass_32_bits),
        RECORDING_TEST(bytes_saturate),
        RECORDING_TEST(generations_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
