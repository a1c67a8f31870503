/* SPDX-License-Identifier: MIT
 *
 * The recorder's beginning, its threads, and its new beginning in a child of fork.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "alternate.h"
#include "memory.h"
#include "mend.h"
#include "objects.h"
#include "process.h"
#include "recorder.h"

#include "text.h"
#include <errno.h>

struct recorder recorder;

static pthread_key_t thread_key;
static _Atomic bool thread_key_made;

/* glibc runs the destructors of thread-specific data in rounds until none is left, PTHREAD_
 * DESTRUCTOR_ITERATIONS at the most. Others' destructors allocate and free: wait for the last. */
#define LAST_ROUND 4

#define SAMPLED_INTERVALS 2 /* of the timeline's first interval, to a row of a sampled run */

static void thread_destructor(void *arg)
{
    struct thread *t = arg;
    if (guard_tls.thread != t) {
        return;
    }
    if (++t->exit_rounds < LAST_ROUND && pthread_setspecific(thread_key, t) == 0) {
        return;
    }
    guard_tls.exited = true;
    if (guard_tls.frame != 0) { /* it ended in the middle of the recorder */
        guard_tls.frame = 0;
        mend_thread(&recorder, t);
    }
    recorder_thread_end(&recorder, t);
}

int recorder_begin_counts(struct recorder *r, uint32_t site_base)
{
    r->pid = sys_pid();
    clock_start(&r->clock);
    peak_init(&r->peak);
    timeline_init(&r->timeline, &r->counts[PART_TIMELINE]);
    if (r->options.sample_mean) {
        /* To read the RSS costs as much as a thousand calls that pass. */
        r->timeline.interval_ns *= SAMPLED_INTERVALS;
    }
    r->ended = arena_pool_piece(&r->counts[PART_THREADS], RECORDER_THREAD_LOG * sizeof *r->ended);
    r->ended_count = 0;
    atomic_store(&r->alone, NULL);
    r->thread_serial = 0;
    memset(&r->others, 0, sizeof r->others);
    memset(&r->footprint, 0, sizeof r->footprint);
    atomic_store(&r->threads, NULL);
    atomic_store(&r->dropped_count, 0);
    atomic_store(&r->nested_count, 0);
    atomic_store(&r->dump_sequence, 0);
    atomic_store(&r->deadline, 0); /* so that the timeline starts at once */
    watch_start(&r->watch, &r->options);
    atomic_store(&r->failed_bytes, 0);
    r->next_failed_ns = 0;
    atomic_store(&r->next_dump_ns, r->options.interval_ns ? r->options.interval_ns : UINT64_MAX);
    if (r->options.mmap && mappings_begin(&r->mappings, &r->mapping_counts,
                                          &r->counts[PART_MAPPINGS], &r->clock, &r->sites) < 0) {
        return -1;
    }
    return modules_init(&r->modules, &r->counts[PART_MODULES], &r->clock, r->exe,
                        r->options.sample_mean > 0 || r->options.max_overhead > 0 ? &r->sampler
                                                                                  : NULL) < 0 ||
                   sites_init(&r->sites, &r->counts[PART_SITES], site_base, &r->modules, &r->lock) <
                       0 ||
                   !r->ended
               ? -1
               : 0;
}

static void find_exe(struct recorder *r)
{
    long n = sys_call(SYS_readlinkat, -100 /* AT_FDCWD */, (long)"/proc/self/exe", (long)r->exe,
                      sizeof r->exe - 1, 0, 0);
    r->exe[n > 0 ? n : 0] = '\0';
}

int recorder_start(struct recorder *r, const struct options *options)
{
    r->options = *options;
    struct text out = text_begin(r->out, sizeof r->out);
    text_string(&out, options->out);
    r->options.out = r->out;
    r->unwind_trouble = "the program had not started yet";
    find_exe(r);
    objects_start();
    rules_init(&r->rules, NULL, &r->kept[PART_RULES]);
    live_init(&r->live, &r->kept[PART_LIVE]);
    mappings_init(&r->mappings, &r->kept[PART_MAPPINGS]);
    r->live_start = clock_ticks();
    r->machine_bytes = memory_of_machine();
    r->alive = arena_pool_map(&r->kept[PART_OTHER], 2 * sizeof *r->alive);
    struct text keeper = text_begin(r->vault.path, sizeof r->vault.path);
    text_string(&keeper, options->keeper);
    r->options.keeper = r->vault.path;
    recorder_open_vault(r);
    if (!r->alive || recorder_begin_counts(r, 0) < 0 ||
        sampler_start(&r->sampler, options, &r->kept[PART_SAMPLER]) < 0) {
        return -1;
    }
    recorder_card_write(r, false);
    live_set_turn(&r->live, r->alive);
    /* Only this page: the chunk's header lies on the one before. */
    madvise(r->alive, 4096, MADV_WIPEONFORK);
    atomic_store(r->alive, TURN_FIRST);
    atomic_store(&r->enabled, true);
    return 0;
}

static void *map_kept(size_t size)
{
    return arena_pool_map(&recorder.kept[PART_OTHER], size);
}

void recorder_load_unwinder(struct recorder *r)
{
    if (r->unwinder) {
        return;
    }
    const char *why;
    libraries_begin(&r->libraries);
    r->unwinder = unwinder_load(map_kept, &why);
    if (r->unwinder && r->options.verify) {
        unwinder_load_plain(r->unwinder);
    }
    libraries_end(&r->libraries);
    r->rules.unwinder = r->unwinder;
    r->unwind_trouble = r->unwinder ? NULL : why;
    if (pthread_key_create(&thread_key, thread_destructor) == 0) {
        atomic_store(&thread_key_made, true);
    }
}

/* A state that no thread uses, or a new one. Under the lock. */
static struct thread *acquire(struct recorder *r)
{
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        if (!t->taken) {
            return t;
        }
    }
    struct thread *t = thread_new(r->counts, r->options.max_depth);
    if (t) {
        struct thread *first = atomic_load(&r->threads);
        const bool second = first && !atomic_load(&first->next);
        peak_add_thread(&r->peak, second ? &first->share : NULL);
        if (second) {
            atomic_store(&r->alone, first);
            turn_over(r->alive);
        }
        atomic_store(&t->next, first);
        atomic_store(&r->threads, t);
    }
    return t;
}

/* What a thread wrote is seen by all in far less than the first of these. */
#define HAND_OVER_NS 50000
#define HAND_OVER_MORE_NS 500000
#define HAND_OVER_TRIES 200

static uint64_t events_of(const struct thread *t)
{
    return counter_get(&t->alloc_count) + counter_get(&t->free_count);
}

/* Whether the thread of T may be in an event that it began when it had counted BEFORE. The one that
 * is going on may have been counted already. On stacks of ours (UINTPTR_MAX) a thread does what
 * comes before it looks whether it is alone, or after. */
static bool is_counting(const struct thread *t, uint64_t before)
{
    uintptr_t frame = 0;
    return atomic_load(&t->in_use) && events_of(t) - before < 2 &&
           sys_copy(&frame, (uintptr_t)atomic_load(&t->frame), sizeof frame) && frame != 0 &&
           frame != UINTPTR_MAX;
}

/* SELF has been entered, of which events that begin now take notice. Before it counts anything, the
 * one that was going on in the thread that recorded alone until now has to end: see peak.h. It is
 * not waited for without end: that thread may have been ended, or left the recorder by longjmp. */
static void hand_over(struct recorder *r, const struct thread *self)
{
    const struct thread *first = atomic_load(&r->alone);
    if (likely(!first) || first == self) {
        return;
    }
    const uint64_t before = events_of(first);
    sys_sleep_ns(HAND_OVER_NS);
    for (int i = 0; i < HAND_OVER_TRIES && is_counting(first, before); i++) {
        sys_sleep_ns(HAND_OVER_MORE_NS);
    }
    atomic_store(&r->alone, NULL);
}

static struct thread *begin_thread(struct recorder *r)
{
    if (!recorder_on(r)) {
        return NULL;
    }
    if (atomic_load(r->alive) == 0) {
        recorder_child(r);
        if (!recorder_on(r)) {
            return NULL;
        }
    }
    struct thread *t = guard_tls.thread;
    if (!t) {
        int tid = sys_tid();
        sys_sigset before = sys_lock(&r->lock);
        t = acquire(r);
        if (t && r->sampler.on && !t->meter) {
            t->meter = sampler_meter_new(&r->sampler, r->thread_serial);
            t = t->meter ? t : NULL; /* what it recorded would not be found when it is freed */
        }
        uint32_t serial = guard_tls.exited ? r->thread_serial : ++r->thread_serial;
        if (t) {
            t->taken = true;
        }
        sys_unlock(&r->lock, before);
        if (!t) {
            atomic_fetch_add(&r->dropped_count, 1);
            return NULL;
        }
        before = sys_block_signals(); /* a handler that jumps out would leave `internal` set */
        guard_tls.internal = true;
        thread_begin(t, tid, serial, tid == r->pid);
        hand_over(r, t);
        guard_tls.thread = t;
        guard_tls.meter = guard_tls.passing ? NULL : t->meter; /* hooks_realloc.c */
        if (!guard_tls.exited && atomic_load(&thread_key_made)) {
            pthread_setspecific(thread_key, t);
            alternate_begin();
        }
        guard_tls.internal = false;
        sys_restore_signals(before);
    }
    if (atomic_load(&t->pending_count) != 0) {
        recorder_drain(r, t);
    }
    return t;
}

/* glibc keeps the data of the first keys in a thread's descriptor, and allocates for others. */
#define KEYS_AT_HAND 32

bool recorder_thread_is_quiet(void)
{
    return !atomic_load(&thread_key_made) || thread_key < KEYS_AT_HAND;
}

struct thread *recorder_thread_slow(struct recorder *r)
{
    int saved = errno;
    struct thread *t = begin_thread(r);
    errno = saved;
    return t;
}

/* Enters T, whose thread ends, into the log; under the lock. A thread that comes back after its
 * destructors, to free the last of its blocks, adds to its entry. */
static void log_thread(struct recorder *r, const struct thread *t)
{
    struct thread_record *record = NULL;
    for (uint32_t i = r->ended_count; i-- > 0 && i + 16 > r->ended_count;) {
        if (r->ended[i].tid == t->tid && guard_tls.exited) {
            record = &r->ended[i];
            break;
        }
    }
    if (!record && r->ended_count < RECORDER_THREAD_LOG) {
        record = &r->ended[r->ended_count++];
        record->tid = t->tid;
        memcpy(record->name, t->name, sizeof record->name);
    } else if (!record) {
        record = &r->others;
        memcpy(record->name, "(others)", sizeof "(others)");
    }
    struct thread_record counts;
    recorder_thread_counts(t, &counts);
    record->alloc_count += counts.alloc_count;
    record->alloc_bytes += counts.alloc_bytes;
    record->free_count += counts.free_count;
}

void recorder_thread_end(struct recorder *r, struct thread *t)
{
    alternate_end();
    sys_sigset before = sys_lock(&r->lock);
    guard_tls.thread = guard_tls.quick = NULL;
    if (atomic_load(&r->peak.threads) > 1) {
        peak_hand_in(&r->peak, &t->share);
    }
    sys_call(SYS_prctl, PR_GET_NAME, (long)t->name, 0, 0, 0, 0);
    log_thread(r, t);
    if (t->meter) {
        guard_tls.meter = NULL;
        sampler_thread_end(t->meter);
        t->passed.allocs = t->passed.bytes = t->passed.frees = 0;
    }
    atomic_store(&t->in_use, false);
    t->taken = false;
    sys_unlock(&r->lock, before);
}
