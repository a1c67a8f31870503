/* SPDX-License-Identifier: MIT
 *
 * What a warden reads of the process that it shares memory with: whether anything was counted, also
 * in memory that was mapped since; whose turn it is to write; areas and rights as /proc tells them.
 */
#include "changes.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feed.h"
#include "support.h"
#include "warden_parts.h"

#define BASE ((uintptr_t)0x7000000000)

static struct recorder *r;

static int setup(void **state)
{
    (void)state;
    struct options options = support_options();
    options.interval_ns = (uint64_t)3600 * 1000000000;
    r = support_recorder(&options);
    assert_non_null(r->vault.header);
    assert_true(feed_alloc(r, 0, SITE_malloc, BASE, 10));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_recorder_end(r);
    return 0;
}

static void it_differs_after_each_event(void **state)
{
    (void)state;
    uint64_t before = changes_sum(r, NULL);
    assert_int_not_equal(before, 0);
    for (uintptr_t i = 1; i < 300; i++) {
        assert_true(i % 3 == 0   ? feed_free(r, BASE + (i - 1) * 64)
                    : i % 3 == 1 ? feed_alloc(r, (int)i % 2, SITE_malloc, BASE + i * 64, i)
                                 : feed_failure(r, (int)i % 2, SITE_calloc));
        const uint64_t after = changes_sum(r, &r->vault);
        if (i % 3 != 0) {
            assert_int_not_equal(after, before);
        }
        assert_int_equal(after, changes_sum(r, NULL));
        before = after;
    }
}

static void what_is_not_mapped_is_not_followed(void **state)
{
    (void)state;
    struct vault none = r->vault;
    none.extents = 0;
    assert_int_equal(changes_sum(r, &none), 0);
    struct thread *t = atomic_load(&r->threads), *next = atomic_load(&t->next);
    atomic_store(&t->next, (struct thread *)(uintptr_t)64);
    assert_int_equal(changes_sum(r, &r->vault), 0);
    atomic_store(&t->next, t); /* a list without an end */
    assert_int_equal(changes_sum(r, &r->vault), 0);
    atomic_store(&t->next, next);
    assert_int_not_equal(changes_sum(r, &r->vault), 0);
    struct shard *s = atomic_load(&guard_tls.thread->shards);
    struct shard_rare *rare = shard_rare_of(s, &guard_tls.thread->arena);
    assert_non_null(rare);
    struct shard_more *more = shard_more(s);
    atomic_store(&more->rare, (struct shard_rare *)(uintptr_t)64);
    assert_int_equal(changes_sum(r, &r->vault), 0);
    atomic_store(&more->rare, rare);
    atomic_store(&s->more, (struct shard_more *)(uintptr_t)64);
    assert_int_equal(changes_sum(r, &r->vault), 0);
    atomic_store(&s->more, more);
    assert_int_not_equal(changes_sum(r, &r->vault), 0);
}

/* Waits for a byte in FD. Returns false if nobody is there any more who could write one. */
static bool await(int fd)
{
    char c;
    return read(fd, &c, 1) == 1;
}

static void tell(int fd)
{
    assert_int_equal(write(fd, "", 1), 1);
}

/* The copy of the process that shares its memory. */
static int watching(const int from[2], const int to[2], char *const *grown)
{
    const uint64_t before = changes_sum(r, &r->vault);
    close(from[1]);
    tell(to[1]);
    if (!await(from[0])) {
        return 3; /* the test has failed */
    }
    const uint32_t extents = r->vault.extents;
    char *place;
    if (!vault_follow(&r->vault) || r->vault.extents <= extents ||
        changes_sum(r, &r->vault) == before) {
        return 1;
    }
    memcpy(&place, *grown, sizeof place);
    return vault_holds(&r->vault, place, 8) && place[5 << 20] == 'g' ? 0 : 2;
}

static void memory_that_came_later_is_followed(void **state)
{
    (void)state;
    int from[2], to[2], status;
    char *first = vault_map(&r->vault, 4096);
    assert_int_equal(pipe(from) | pipe(to), 0);
    const pid_t child = fork();
    if (child == 0) {
        _exit(watching(from, to, &first));
    }
    assert_true(await(to[0]));
    char *later = NULL;
    for (int i = 0; i < 4; i++) {
        later = vault_map(&r->vault, 10 << 20);
        assert_non_null(later);
    }
    later[5 << 20] = 'g';
    memcpy(first, &later, sizeof later);
    assert_true(feed_alloc(r, 1, SITE_malloc, BASE + 1024, 10));
    tell(from[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        close(from[i]);
        close(to[i]);
    }
}

static void who_came_later_writes(void **state)
{
    (void)state;
    struct vault *v = &r->vault;
    uint32_t turn = vault_turn(v);
    assert_true(vault_begin_place(v, turn));
    vault_end_place(v);
    assert_false(vault_begin_place(v, turn));
    turn = vault_turn(v);
    assert_true(vault_take_turn(v));
    assert_false(vault_begin_place(v, turn));
    assert_int_equal(vault_turn(v) % 2, 1);
    vault_end_turn(v);
    assert_false(vault_begin_place(v, turn));
    assert_true(vault_begin_place(v, vault_turn(v)));
    vault_end_place(v);
    /* One that died while it placed a file is waited for once, and no more. */
    turn = vault_turn(v);
    assert_true(vault_begin_place(v, turn));
    assert_false(vault_begin_place(v, vault_turn(v)));
    assert_false(vault_take_turn(v));
    vault_end_turn(v);
    assert_int_equal(vault_turn(v) % 2, 0);
    assert_false(vault_begin_place(v, turn));
}

struct find {
    uintptr_t address;
    struct warden_area found;
    char name[64];
};

static bool find(const struct warden_area *area, void *arg)
{
    struct find *f = arg;
    if (f->address - area->start < area->end - area->start) {
        f->found = *area;
        strncpy(f->name, area->name, sizeof f->name - 1);
        return false;
    }
    return true;
}

static void areas_are_what_they_are(void **state)
{
    (void)state;
    struct find vault = {.address = (uintptr_t)r->vault.header};
    assert_true(warden_areas(0, find, &vault));
    assert_true(vault.found.shared && vault.found.writable && vault.found.file);
    assert_int_equal(strncmp(vault.name, "/memfd:memprof", 14), 0);
    struct find code = {.address = (uintptr_t)&find};
    assert_true(warden_areas(getpid(), find, &code));
    assert_true(!code.found.shared && !code.found.writable && code.found.file);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct find anonymous = {.address = (uintptr_t)p};
    assert_true(warden_areas(0, find, &anonymous));
    assert_true(!anonymous.found.shared && anonymous.found.writable && !anonymous.found.file);
    munmap(p, 4096);
    struct find nowhere = {.address = 1};
    assert_true(warden_areas(0, find, &nowhere));
    assert_int_equal(nowhere.found.end, 0);
    assert_false(warden_areas(0x7fffffff, find, &nowhere));
}

static void rights_that_are_given_up_show(void **state)
{
    (void)state;
    const uint64_t rights = warden_rights(0);
    assert_int_not_equal(rights, 0);
    assert_int_equal(warden_rights(getpid()), rights);
    assert_int_equal(warden_rights(0x7fffffff), 0);
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(warden_rights(0) != rights ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(warden_would_be_near());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_differs_after_each_event, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_mapped_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_that_came_later_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(who_came_later_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(areas_are_what_they_are, setup, teardown),
        cmocka_unit_test(rights_that_are_given_up_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
