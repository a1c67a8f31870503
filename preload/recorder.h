/* SPDX-License-Identifier: MIT
 *
 * The recorder: what happens to each allocation and free. All mutable state of the profiler hangs
 * off one `struct recorder`; tests make their own.
 *
 * The recorder_* calls for events run on any thread, under the guard, and hold no lock while
 * unwinding. What they cannot do for want of memory they count as dropped; they never fail.
 */
#ifndef PRELOAD_RECORDER_H
#define PRELOAD_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "footprint_kept.h"
#include "guard.h"
#include "libraries.h"
#include "live.h"
#include "mappings.h"
#include "modules.h"
#include "options.h"
#include "parts.h"
#include "peak.h"
#include "rules.h"
#include "sampler.h"
#include "sites.h"
#include "thread.h"
#include "timeline.h"
#include "trim.h"
#include "turn.h"
#include "vault.h"
#include "watch.h"

#define RECORDER_THREAD_LOG 4096

/* A thread that has ended. */
struct thread_record {
    int tid;
    char name[THREAD_NAME_MAX];
    uint64_t alloc_count, alloc_bytes, free_count; /* also of what was not sampled */
};

/* Of memory that is mapped. */
#define RECORDER_PAGE 4096

struct recorder {
    struct options options;
    char out[OPTIONS_OUT_MAX]; /* what options.out points to: hosts overwrite their environment */
    /* Not 0 while recording. It lives on a page that the kernel wipes in a child (MADV_WIPEONFORK),
     * so that a child is noticed however it was made: see recorder_thread. Beside it, what a child
     * dropped before it began anew. */
    turns *alive;
    _Atomic bool enabled;
    int pid;

    /* Kept over fork. */
    struct arena_pool kept[PARTS];
    struct unwinder *unwinder;
    _Atomic bool loading;       /* libunwind is being loaded, by calls that allocate */
    const char *unwind_trouble; /* why libunwind is not there; NULL: it is */
    struct libraries libraries;
    struct rules rules;
    struct live live;
    uint64_t live_start; /* ticks that births count from */
    struct sampler sampler;
    char exe[4096];
    struct mappings mappings;        /* with MEMPROF_MMAP */
    struct vault vault;              /* where the launcher finds what follows; see vault.h */
    struct guard_fork fork;          /* in a child: what its parent's thread handed on */
    struct arena_pool counts[PARTS]; /* begun anew in a child, as all that follows */

    /* The section of the vault: to the end, whole pages. A child of fork finds here what its parent
     * is doing now, until it begins anew. */
    _Alignas(RECORDER_PAGE) struct sys_lock lock; /* sites, modules, threads, timeline */
    struct clock clock;
    struct modules modules;
    struct sites sites;
    struct peak peak;
    struct mapping_counts mapping_counts;
    struct timeline timeline;
    struct footprint_kept footprint;
    struct trim trim;
    struct thread *_Atomic threads; /* every state there is, linked */
    struct thread *_Atomic alone;   /* see hand_over; NULL: nobody is, or nobody is waited for */
    uint32_t thread_serial;         /* of the last thread that began */
    struct thread_record *ended;    /* RECORDER_THREAD_LOG */
    uint32_t ended_count;
    struct thread_record others;   /* ended threads beyond the log */
    counter dropped_count;         /* on threads that have no state */
    counter nested_count;          /* of these, in signal handlers that interrupted the recorder */
    _Atomic uint64_t deadline;     /* ticks: when recorder_periodic is due */
    _Atomic uint64_t next_dump_ns; /* MEMPROF_INTERVAL; UINT64_MAX: never */
    struct {
        uint64_t live_count, live_bytes;
    } inherited;
    int parent_pid; /* of the recorded process that forked this one; 0: none */
    char parent_start_time[40];
    uint32_t fork_depth;
    _Atomic uint32_t dump_sequence; /* dumps written so far */
    uintptr_t signal_handler;       /* ours for MEMPROF_SIGNAL; 0: not installed */
    struct watch watch;             /* MEMPROF_DUMP_AT */
    uint64_t machine_bytes;         /* memory and swap that there are */
    counter failed_bytes;    /* of a call that failed, for which a snapshot is due; 0: none */
    uint64_t next_failed_ns; /* no snapshot of that kind before */
    int complained;          /* why the last dump could not be written; 0: none failed */
};

/* The one of this process, used by the hooks. */
extern struct recorder recorder __attribute__((visibility("hidden")));

/* Starts recording by OPTIONS. Stacks have only their innermost frame until recorder_load_unwinder.
 * Returns -1 without memory. */
int recorder_start(struct recorder *r, const struct options *options);
/* Loads libunwind, unless that is done. With guard_tls.internal set: it allocates. */
void recorder_load_unwinder(struct recorder *r);

/* This thread's state, begun if it is new; NULL: not recording, or no memory (counted as dropped).
 * Notices that the process is a fork's child and begins anew. */
struct thread *recorder_thread_slow(struct recorder *r);

static inline struct thread *recorder_thread(struct recorder *r)
{
    struct thread *t = guard_tls.thread;
    if (unlikely(!t || !atomic_load_explicit(r->alive, memory_order_relaxed)) ||
        unlikely(atomic_load_explicit(&t->pending_count, memory_order_relaxed) != 0)) {
        t = recorder_thread_slow(r);
    }
    guard_tls.quick = !r->sampler.on && !guard_tls.exited ? t : NULL;
    /* A handler may just have left some: recorder_nested_free. */
    atomic_signal_fence(memory_order_seq_cst);
    if (t && unlikely(atomic_load_explicit(&t->pending_count, memory_order_relaxed) != 0)) {
        guard_tls.quick = NULL;
    }
    return t;
}

/* Whether the first record of a thread calls nothing of libc's that may allocate. */
bool recorder_thread_is_quiet(void);

/* The thread ends: its state goes back to the pool. */
void recorder_thread_end(struct recorder *r, struct thread *t);

/* Counts the frees that signal handlers left in T: see recorder_nested_free. */
void recorder_drain(struct recorder *r, struct thread *t);

/* A block at ADDRESS of SIZE bytes came into being. REALLOCATED: by moving or resizing another.
 * Returns true if something is due that is not the recorder's to do: see lifecycle_periodic. */
bool recorder_alloc(struct recorder *r, struct thread *t, enum site_function function,
                    uintptr_t address, uint64_t size, const struct stack_start *start,
                    bool reallocated);

/* The call for SIZE bytes yielded nothing. Returns as recorder_alloc: due is a snapshot if it was
 * for want of memory, and not for more than the machine has. With the call's errno. */
bool recorder_failed(struct recorder *r, struct thread *t, enum site_function function,
                     uint64_t size, const struct stack_start *start);

/* Parts of recorder_alloc, for event.h. The shard of the stack at START, where X was found to be
 * known, or NULL: there is none, wherever it was looked for. NULL without memory. */
struct shard *recorder_find_shard(struct recorder *r, struct thread *t, enum site_function function,
                                  struct stack_start start, const struct known *x);
/* There is no memory for the stack's counters: the block is remembered, so that its free is known,
 * but not counted. */
void recorder_alloc_uncounted(struct recorder *r, struct thread *t, uintptr_t address,
                              uint64_t size);
/* What is not to be done for each block: RESULT is not LIVE_OK, or SHARD is NULL. Returns whether
 * the block is to be counted. */
bool recorder_alloc_trouble(struct recorder *r, struct thread *t, const struct shard *shard,
                            enum live_result result, const struct live_block *old,
                            uint64_t old_weight);

/* Before the real free or realloc: takes the record out. Returns false if there is none. */
bool recorder_take(struct recorder *r, struct thread *t, uintptr_t address,
                   struct weighted_block *block);
/* The block that was taken is gone: counts its free. KNOWN: what recorder_take returned. */
void recorder_freed(struct recorder *r, struct thread *t, uintptr_t address,
                    const struct weighted_block *block, bool known);
/* Both at once, before a real free. */
void recorder_free(struct recorder *r, struct thread *t, uintptr_t address);
/* The block that was taken is still there. */
void recorder_put_back(struct recorder *r, struct thread *t, uintptr_t address,
                       const struct weighted_block *block);

/* A call of a hook from inside the recorder, on the same thread: the unwinder's or the loader's own
 * (not counted at all), or a signal handler's (counted as dropped). The block is remembered so that
 * its free is known. A nested free of a counted block waits in the thread's state until the code
 * that was interrupted is through. */
void recorder_nested_alloc(struct recorder *r, uintptr_t address, uint64_t size, uintptr_t caller);
void recorder_nested_free(struct recorder *r, uintptr_t address);

/* What T counted for the thread that it is of, with what the sampler let pass. */
void recorder_thread_counts(const struct thread *t, struct thread_record *record);

/* Live bytes and blocks now, as the sums over all shards. Approximate while other threads run. */
void recorder_live(struct recorder *r, uint64_t *bytes, uint64_t *count);

/* What begins anew in each process, with sites that count from SITE_BASE. Returns -1 without
 * memory.
 */
int recorder_begin_counts(struct recorder *r, uint32_t site_base);
/* Opens a vault if there is a launcher to hold it, or is to be a warden, and has all that a dump
 * needs put into it. */
void recorder_open_vault(struct recorder *r);
/* Differs between builds of the library that lay out differently what is in a vault. */
uint64_t recorder_layout(void);
/* Begins anew in a child of fork. */
void recorder_child(struct recorder *r);
/* Around a fork that libc tells of, in the parent; and in the child, where the recorder's code may
 * go on that a handler interrupted which forked. Several threads may be forking at once: what a
 * child is to find is its own thread's. */
void recorder_before_fork(struct recorder *r);
void recorder_after_fork(void);
void recorder_in_child(struct recorder *r);

/* Copies into the vault what the recorder knows of the process: at the start (DESCRIBED: and once
 * `process` is filled in). */
void recorder_card_write(struct recorder *r, bool described);
/* The same of the sampler's mean, which changes now and then. */
void recorder_card_sampling(struct recorder *r);
/* The same of what passed T, whose meter is not in the vault. */
void recorder_card_passed(struct thread *t);

/* The loader may just have unloaded something. Any thread. */
static inline void recorder_modules_changed(struct recorder *r)
{
    modules_changed(&r->modules);
    turn_over(r->alive);
}

/* Something is due, of which each thread is to take notice at the end of its present event, or with
 * its next. Any thread, signal handlers too. */
static inline void recorder_hurry(struct recorder *r)
{
    atomic_store(&r->deadline, 0);
    turn_over(r->alive);
}

/* Nothing is recorded from now on, by any thread; nor by the short way (hook.h), which asks no more
 * than whether this is not a fork's child. */
static inline void recorder_stop(struct recorder *r)
{
    atomic_store(&r->enabled, false);
    if (r->alive) {
        atomic_store(r->alive, 0);
    }
}

static inline bool recorder_on(const struct recorder *r)
{
    return atomic_load_explicit(&r->enabled, memory_order_relaxed);
}

#endif
