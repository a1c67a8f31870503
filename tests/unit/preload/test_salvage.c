/* SPDX-License-Identifier: MIT
 *
 * A process that is killed at each point of an event, and of what else changes a recorder step by
 * step, leaves a vault from which a valid dump is written: with the event, or without it.
 */
#include "salvage.h"

#include <string.h>
#include <unistd.h>

#include "count.h"
#include "feed.h"
#include "killing.h"
#include "parsed.h"

/* The dump that is left when a process is killed at STEP of ACT. */
static json_t *left_by(void (*act)(struct recorder *r, int step), int step)
{
    assert_int_equal(killing_salvage(killing_at(act, step)), SALVAGE_DONE);
    return parsed_dump(killing_out);
}

static uint64_t total(const json_t *dump, const char *name)
{
    return parsed_number(json_object_get(dump, "totals"), name);
}

static bool complete(const json_t *dump)
{
    return json_is_true(json_object_get(json_object_get(dump, "dump"), "complete"));
}

static void nothing(struct recorder *r, int step)
{
    (void)r, (void)step;
}

static void all_figures_are_there(void **state)
{
    (void)state;
    json_t *d = left_by(nothing, 0), *head = json_object_get(d, "dump");
    const json_t *process_of = json_object_get(d, "process");
    assert_string_equal(json_string_value(json_object_get(head, "reason")), "recovered");
    assert_true(complete(d));
    assert_int_equal(total(d, "alloc_count"), KILLING_BLOCKS);
    assert_int_equal(total(d, "alloc_bytes"), KILLING_BLOCKS * KILLING_SIZE);
    assert_int_equal(total(d, "free_count"), KILLING_BLOCKS / 2);
    assert_int_equal(total(d, "live_bytes"), KILLING_BLOCKS / 2 * KILLING_SIZE);
    assert_int_equal(total(d, "peak_bytes"), KILLING_BLOCKS * KILLING_SIZE);
    assert_int_equal(parsed_number(process_of, "ppid"), getpid());
    json_t *argv = json_object_get(process_of, "argv");
    assert_string_equal(json_string_value(json_array_get(argv, 0)), "unit-test");
    assert_int_equal(json_array_size(json_object_get(d, "sites")), 2);
    json_decref(d);
}

/* The first STEP stores of an allocation as count_alloc has them, in its order. */
static void allocate(struct recorder *r, int step)
{
    struct thread *t = guard_tls.thread;
    struct shard *s = atomic_load(&t->shards);
    for (int i = 0; i < step; i++) {
        switch (i) {
        case 0:
            shard_begin(s);
            break;
        case 1:
            shard_enter_epoch(s, atomic_load(&r->peak.epoch));
            break;
        case 2:
            counter_add(&s->alloc_count, 1);
            break;
        case 3:
            counter_add(&s->alloc_bytes, 5000);
            break;
        case 4:
            shard_count_realloc(s, 1, &t->arena);
            break;
        case 5:
            shard_count_size(s, 5000, 1, &t->arena);
            break;
        case 6:
            shard_end(s);
            break;
        case 7:
            peak_change_alone(&t->share, 5000);
            break;
        case 8:
            shard_follow_max(s);
            break;
        default:
            counter_add(&t->live_count, 1);
        }
    }
}

static void an_allocation_counts_once_or_not(void **state)
{
    (void)state;
    for (int step = 0; step <= 10; step++) {
        json_t *d = left_by(allocate, step);
        const uint64_t counted = step >= 7;
        assert_true(complete(d));
        assert_int_equal(total(d, "alloc_count"), KILLING_BLOCKS + counted);
        assert_int_equal(total(d, "alloc_bytes"), KILLING_BLOCKS * KILLING_SIZE + counted * 5000);
        assert_int_equal(total(d, "free_count"), KILLING_BLOCKS / 2);
        assert_int_equal(total(d, "live_count"), KILLING_BLOCKS / 2 + counted);
        assert_int_equal(total(d, "peak_bytes"), counted ? KILLING_BLOCKS / 2 * KILLING_SIZE + 5000
                                                         : KILLING_BLOCKS * KILLING_SIZE);
        json_decref(d);
    }
}

/* The first STEP stores of a free, from a new peak, as count_free has them. */
static void release(struct recorder *r, int step)
{
    struct thread *t = guard_tls.thread;
    feed_alloc(r, 0, SITE_malloc, KILLING_BASE + 0x10000, 7000);
    struct shard *s = atomic_load(&t->shards);
    const int64_t live = atomic_load(&t->share.live);
    for (; counter_get(&s->alloc_bytes) < 7000; s = atomic_load(&s->next)) {
    }
    for (int i = 0; i < step; i++) {
        switch (i) {
        case 0:
            atomic_store(&r->peak.peak, live);
            break;
        case 1:
            atomic_fetch_add(&r->peak.epoch, 1);
            break;
        case 2:
            shard_begin(s);
            break;
        case 3:
            shard_enter_epoch(s, atomic_load(&r->peak.epoch));
            break;
        case 4:
            counter_add(&s->free_count, 1);
            break;
        case 5:
            counter_add(&s->freed_bytes, 7000);
            break;
        case 6:
            counter_add(&s->temporary_count, 1);
            break;
        case 7:
            shard_count_lifetime(s, 1000, 1, &t->arena);
            break;
        case 8:
            shard_end(s);
            break;
        case 9:
            peak_change_alone(&t->share, -7000);
            break;
        default:
            counter_add(&t->live_count, -(uint64_t)1);
        }
    }
}

static void a_free_counts_once_or_not(void **state)
{
    (void)state;
    for (int step = 0; step <= 11; step++) {
        json_t *d = left_by(release, step);
        const uint64_t counted = step >= 9;
        assert_true(complete(d));
        assert_int_equal(total(d, "alloc_count"), KILLING_BLOCKS + 1);
        assert_int_equal(total(d, "free_count"), KILLING_BLOCKS / 2 + counted);
        assert_int_equal(total(d, "live_bytes"),
                         KILLING_BLOCKS / 2 * KILLING_SIZE + (1 - counted) * 7000);
        assert_int_equal(total(d, "peak_bytes"), KILLING_BLOCKS / 2 * KILLING_SIZE + 7000);
        json_decref(d);
    }
}

/* Whatever else was being entered or moved. */
static void change(struct recorder *r, int step)
{
    struct timeline *line = &r->timeline;
    struct thread *t = guard_tls.thread;
    r->lock.state = 1;
    switch (step) {
    case 0:
        r->sites.frames.count++;
        break;
    case 1:
        r->sites.sites.count++;
        break;
    case 2:
        r->modules.count++;
        break;
    case 3: /* every second row of a full timeline has been moved, up to the middle of the move */
        line->n = TIMELINE_ROWS;
        for (uint32_t i = 0; i < TIMELINE_ROWS; i++) {
            line->row[i] = (struct timeline_row){.elapsed_ns = i + 1, .live_bytes = 1};
        }
        for (size_t i = 0; i < TIMELINE_ROWS / 4; i++) {
            line->row[i] = line->row[2 * i];
        }
        break;
    case 4: /* a row without its content */
        line->n++;
        break;
    default: /* among the ended threads, and not marked as ended */
        r->ended[0].tid = t->tid;
        memcpy(r->ended[0].name, t->name, sizeof t->name);
        r->ended[0].alloc_count = counter_get(&t->alloc_count);
        r->ended_count = 1;
    }
}

static void what_was_being_entered_is_left_out(void **state)
{
    (void)state;
    for (int step = 0; step <= 5; step++) {
        json_t *d = left_by(change, step);
        assert_true(complete(d));
        assert_int_equal(total(d, "alloc_count"), KILLING_BLOCKS);
        assert_int_equal(json_array_size(json_object_get(d, "threads")), 1);
        json_decref(d);
    }
}

/* Two shards of a thread are in the middle of an event, as after jumps out of handlers. */
static void leave_two(struct recorder *r, int step)
{
    (void)r, (void)step;
    struct thread *t = guard_tls.thread;
    struct shard *first = atomic_load(&t->shards), *second = atomic_load(&first->next);
    shard_begin(first);
    counter_add(&first->alloc_count, 1);
    counter_add(&first->alloc_bytes, 9);
    shard_count_size(first, 9, 1, &t->arena);
    shard_begin(second);
}

static void what_cannot_be_told_apart_is_said(void **state)
{
    (void)state;
    json_t *d = left_by(leave_two, 0);
    assert_false(complete(d));
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_figures_are_there, killing_setup, killing_teardown),
        cmocka_unit_test_setup_teardown(an_allocation_counts_once_or_not, killing_setup,
                                        killing_teardown),
        cmocka_unit_test_setup_teardown(a_free_counts_once_or_not, killing_setup, killing_teardown),
        cmocka_unit_test_setup_teardown(what_was_being_entered_is_left_out, killing_setup,
                                        killing_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_told_apart_is_said, killing_setup,
                                        killing_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
