/* SPDX-License-Identifier: MIT
 *
 * Against a plain array of what was added, in order.
 */
#include "idtable.h"

#include <stdlib.h>

#include "support.h"

struct record {
    uint64_t key, payload[3];
};

static bool equal(const void *record, const void *key)
{
    return ((const struct record *)record)->key == *(const uint64_t *)key;
}

static uint64_t good_hash(const void *record)
{
    return ((const struct record *)record)->key * 0x9e3779b97f4a7c15u;
}

/* So bad that whole runs of the index collide. */
static uint64_t bad_hash(const void *record)
{
    return ((const struct record *)record)->key & 3;
}

static uint64_t hash_of_key(uint64_t key, uint64_t (*hash_of)(const void *))
{
    struct record wanted = {.key = key};
    return hash_of(&wanted);
}

static uint32_t find(const struct idtable *t, uint64_t key, uint64_t (*hash_of)(const void *))
{
    const struct idtable_key k = {hash_of_key(key, hash_of), &key, equal, hash_of};
    return idtable_find(t, &k);
}

static uint32_t add(struct idtable *t, uint64_t key, uint64_t (*hash_of)(const void *),
                    struct record **record)
{
    const struct idtable_key k = {hash_of_key(key, hash_of), &key, equal, hash_of};
    void *place = NULL;
    uint32_t id = idtable_add(t, &k, &place);
    *record = place;
    return id;
}

/* Adds COUNT distinct keys; everything added is found under its id, at its first address. */
static void exercise(uint32_t count, uint64_t (*hash_of)(const void *))
{
    struct arena_pool pool = {.bytes = 0};
    struct idtable t;
    assert_int_equal(idtable_init(&t, &pool, sizeof(struct record)), 0);
    struct record **place = calloc(count + 1, sizeof *place);
    uint64_t *key = calloc(count + 1, sizeof *key);
    for (uint32_t id = 1; id <= count; id++) {
        key[id] = (uint64_t)id * 7919 + 13; /* distinct */
        assert_int_equal(find(&t, key[id], hash_of), 0);
        assert_int_equal(add(&t, key[id], hash_of, &place[id]), id);
        assert_int_equal(place[id]->key | place[id]->payload[0] | place[id]->payload[2], 0);
        place[id]->key = key[id];
        place[id]->payload[2] = ~key[id];
    }
    assert_int_equal(t.count, count);
    for (uint32_t id = 1; id <= count; id++) {
        assert_ptr_equal(idtable_at(&t, id), place[id]);
        assert_int_equal(place[id]->key, key[id]);
        assert_true(place[id]->payload[2] == ~key[id]);
        assert_int_equal(find(&t, key[id], hash_of), id);
        assert_int_equal(find(&t, key[id] + 1, hash_of), 0);
    }
    free(place);
    free(key);
    arena_pool_clear(&pool);
}

static void an_empty_table_has_nothing(void **state)
{
    (void)state;
    struct arena_pool pool = {.bytes = 0};
    struct idtable t;
    assert_int_equal(idtable_init(&t, &pool, sizeof(struct record)), 0);
    for (uint64_t key = 0; key < 5000; key++) {
        assert_int_equal(find(&t, key, good_hash), 0);
    }
    arena_pool_clear(&pool);
}

static void many_records_are_found(void **state)
{
    (void)state;
    exercise(50000, good_hash);
}

static void chunk_ends_are_crossed(void **state)
{
    (void)state;
    exercise(1023, good_hash);
    exercise(1024, good_hash);
    exercise(1025, good_hash);
}

static void colliding_records_are_found(void **state)
{
    (void)state;
    exercise(1500, bad_hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(many_records_are_found),
        cmocka_unit_test(chunk_ends_are_crossed),
        cmocka_unit_test(colliding_records_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
