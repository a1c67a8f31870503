/* SPDX-License-Identifier: MIT
 *
 * The recorder's new beginning in a child of fork, and the vault that each process has of its own.
 */
#include <stddef.h>
#include <string.h>

#include "alternate.h"
#include "process.h"
#include "recorder.h"
#include "reserve.h"
#include "roomy.h"
#include "text.h"

#define SECTION offsetof(struct recorder, lock)

uint64_t recorder_layout(void)
{
    static const uint64_t sizes[] = {
        sizeof(struct vault_header),
        sizeof(struct recorder),
        SECTION,
        sizeof(struct thread),
        sizeof(struct shard),
        sizeof(struct site),
        sizeof(struct frame),
        sizeof(struct module),
        sizeof(struct thread_record),
        sizeof(struct sites),
        offsetof(struct thread, share),
        offsetof(struct shard, more),
        sizeof(struct shard_more),
        SITE_FUNCTIONS,
    };
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hash = (hash ^ sizes[i]) * 1099511628211u; /* FNV-1a, by words */
    }
    for (const char *c = MEMPROF_VERSION; *c; c++) {
        hash = (hash ^ (uint64_t)*c) * 1099511628211u;
    }
    return hash;
}

/* Where memory is never promised twice, a page of a file that cannot be had ends the process. */
static bool memory_is_promised_once(void)
{
    char mode[8];
    return sys_read_file("/proc/sys/vm/overcommit_memory", mode, sizeof mode) > 0 && mode[0] == '2';
}

void recorder_open_vault(struct recorder *r)
{
    r->vault.watched = !r->vault.path[0] && r->options.interval_ns && !memory_is_promised_once();
    const bool open =
        vault_open(&r->vault, (char *)r + SECTION, sizeof *r - SECTION, recorder_layout());
    for (int part = 0; part < PARTS; part++) {
        r->counts[part].vault = open && part != PART_STACKS ? &r->vault : NULL;
    }
}

/* The live bytes and blocks of this process, for a child that will inherit them. A handler that
 * forks meanwhile does the same. */
static void sum_for_child(struct recorder *r, struct guard_fork *f)
{
    uint64_t bytes, count;
    recorder_live(r, &bytes, &count);
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        count -= counter_get(&t->inherited_free_count);
        bytes -= counter_get(&t->inherited_freed_bytes);
    }
    f->live_bytes = bytes + r->inherited.live_bytes;
    f->live_count = count + r->inherited.live_count;
    f->valid = true;
}

void recorder_before_fork(struct recorder *r)
{
    if (r->vault.header && atomic_load(r->alive) != 0) {
        sum_for_child(r, &guard_tls.fork);
        if (guard_tls.frame != 0) {
            vault_copy(&r->vault, &guard_tls.fork.copy);
        }
    }
}

void recorder_after_fork(void)
{
    guard_tls.fork.valid = false;
    if (guard_tls.frame != 0) {
        vault_drop_copy(&guard_tls.fork.copy);
    }
    while (guard_tls.frame == 0 && guard_tls.fork.copy) { /* of forks that were jumped out of */
        vault_drop_copy(&guard_tls.fork.copy);
    }
}

void recorder_in_child(struct recorder *r)
{
    r->fork = guard_tls.fork;
    guard_tls.fork.valid = false;
    if (guard_tls.frame == 0) {
        return; /* it begins anew at its first event */
    }
    /* Locks are of other threads, if anyone's: this one forked with its signals not masked. */
    const struct sys_lock open = {0};
    r->live.lock = r->rules.lock = r->vault.lock = open;
    if (!r->vault.header || vault_adopt_copy(&r->vault, &guard_tls.fork.copy)) {
        r->lock = open;
    }
}

/* What the child inherits. The table of live blocks, its own copy, can always tell. */
static void find_inherited(struct recorder *r, struct guard_fork *f)
{
    if (!r->vault.header) {
        sum_for_child(r, f);
    } else if (r->fork.valid) {
        *f = r->fork;
    } else if (r->sampler.on) {
        sampler_set_sum(&r->sampler.set, &f->live_bytes, &f->live_count);
    } else {
        live_sum(&r->live, &f->live_bytes, &f->live_count);
    }
    r->fork.valid = false;
}

/* The parent's counts are given up, and memory begins anew. Returns false without it. */
static bool leave_counts(struct recorder *r)
{
    for (int part = 0; part < PARTS; part++) {
        arena_pool_clear(&r->counts[part]);
    }
    if (!r->vault.header) {
        return true;
    }
    if (!vault_leave(&r->vault)) {
        return false;
    }
    recorder_open_vault(r);
    return true;
}

static void begin_anew(struct recorder *r)
{
    if (r->vault.shut) {
        recorder_stop(r); /* to begin anew takes calls that are forbidden */
        return;
    }
    /* Locks may have been held by threads that do not exist here. What they guard is either begun
     * anew or consistent after each single store. */
    r->live.lock = (struct sys_lock){0};
    live_child(&r->live);
    alternate_child();
    roomy_child();
    r->rules.lock = (struct sys_lock){0};
    sampler_child(&r->sampler);
    mappings_child(&r->mappings);
    reserve_child();
    struct guard_fork inherited = {0};
    find_inherited(r, &inherited);
    const uint32_t base = r->sites.base + records_count(&r->sites.sites), depth = r->fork_depth;
    const int parent = r->pid;
    guard_tls.thread = guard_tls.quick = NULL;
    if (!leave_counts(r)) {
        recorder_stop(r);
        return;
    }
    r->lock = (struct sys_lock){0};
    r->trim = (struct trim){0};
    r->inherited.live_bytes = inherited.live_bytes;
    r->inherited.live_count = inherited.live_count;
    r->parent_pid = parent;
    memcpy(r->parent_start_time, process.start_time, sizeof r->parent_start_time);
    process_forked();
    r->fork_depth = depth + 1;
    const bool follow = r->options.follow & FOLLOW_FORK;
    const bool started = recorder_begin_counts(r, base) == 0;
    if (!started || !follow) {
        recorder_stop(r);
        vault_set_state(&r->vault, VAULT_CLOSED);
    }
    if (!started && follow) {
        say(NULL, "this child process is not recorded: out of memory");
    }
    recorder_card_write(r, true);
    atomic_store(&r->nested_count, atomic_exchange(&r->alive[1], 0));
    atomic_store(r->alive, TURN_FIRST);
}

void recorder_child(struct recorder *r)
{
    /* A handler that forks in the middle of it would have its child count where this one does. */
    const sys_sigset before = sys_block_signals();
    begin_anew(r);
    sys_restore_signals(before);
}
