/* SPDX-License-Identifier: MIT
 *
 * What is due periodically is seen to by one thread at a time. The reading of the resident set,
 * which every round of it makes, is replaced by what looks around in the midst of it.
 */
#include "lifecycle.h"

#include <pthread.h>

#include "count.h"
#include "fatal.h"
#include "signals.h"
#include "support.h"

#define LEAST_TICKS ((uint64_t)1 << 20) /* for which nobody else comes */

static bool sandboxed;

/* The rest of the library is not here. */
bool lifecycle_is_sandboxed(void)
{
    return sandboxed;
}

void fatal_default(int number, const siginfo_t *info)
{
    (void)number, (void)info;
}

bool signals_take(int number, signals_handler *handler, int flags)
{
    (void)number, (void)handler, (void)flags;
    return false;
}

uint64_t __wrap_memory_rss(void);

static struct recorder *r;
static unsigned readings;
static void (*in_the_midst)(void);

uint64_t __wrap_memory_rss(void)
{
    readings++;
    if (in_the_midst) {
        in_the_midst();
    }
    return 4096;
}

static int setup(void **state)
{
    (void)state;
    const struct options options = support_options();
    r = support_recorder(&options);
    readings = 0;
    in_the_midst = NULL;
    sandboxed = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_recorder_end(r);
    return 0;
}

/* Whether a thread comes for it that reads the clock at NOW, in an event of its own. */
static bool comes_at(uint64_t now)
{
    struct thread t = {.now = now};
    return count_due(r, &t);
}

static uint64_t began;
static unsigned looks, comers;

static void look_whether_others_come(void)
{
    looks++;
    comers += comes_at(began);
    comers += comes_at(began + LEAST_TICKS);
}

static void others_do_not_come_meanwhile(void **state)
{
    (void)state;
    looks = comers = 0;
    in_the_midst = look_whether_others_come;
    /* As of a row that was due, and as of a signal that could not be served at once. */
    for (int at_once = 0; at_once < 2; at_once++) {
        began = clock_ticks();
        atomic_store(&r->deadline, at_once ? 0 : began);
        assert_true(comes_at(began));
        lifecycle_periodic(r);
        assert_false(comes_at(began));
    }
    assert_int_equal(looks, 2);
    assert_int_equal(comers, 0);
}

static uint64_t left_until;

static void *come_late(void *arg)
{
    lifecycle_periodic(arg);
    left_until = atomic_load(&r->deadline);
    return NULL;
}

/* It has taken so long that another thread came for it. */
static void let_another_come(void)
{
    pthread_t other;
    in_the_midst = NULL;
    atomic_store(&r->deadline, began);
    if (pthread_create(&other, NULL, come_late, r) == 0) {
        pthread_join(other, NULL);
    }
}

static void who_comes_late_leaves_at_once(void **state)
{
    (void)state;
    left_until = 0;
    in_the_midst = let_another_come;
    began = clock_ticks();
    lifecycle_periodic(r);
    /* It neither waited nor did the same, and keeps others from coming. */
    assert_int_equal(readings, 1);
    assert_int_equal(r->timeline.n, 1);
    assert_true(left_until >= began + LEAST_TICKS);
}

static void in_a_sandbox_nobody_comes_again(void **state)
{
    (void)state;
    sandboxed = true;
    atomic_store(&r->deadline, 0);
    lifecycle_periodic(r);
    assert_int_equal(readings, 0);
    assert_false(comes_at(UINT64_MAX - 1));
}

/* It goes on in an event of its parent's. */
static void a_child_leaves_it_alone(void **state)
{
    (void)state;
    atomic_store(r->alive, 0);
    atomic_store(&r->deadline, 0);
    lifecycle_periodic(r);
    atomic_store(r->alive, 1);
    assert_int_equal(readings, 0);
    assert_int_equal(atomic_load(&r->deadline), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(others_do_not_come_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_late_leaves_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(in_a_sandbox_nobody_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_leaves_it_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
