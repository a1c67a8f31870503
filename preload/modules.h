/* SPDX-License-Identifier: MIT
 *
 * The executable mappings that stacks went through, with the files they came from and their
 * build-ids, unloaded ones included. A module is entered when an address in it is first seen, by
 * asking the loader without a lock (objects.h).
 *
 * A file that is loaded again at the place it had is the same module again, loaded since the first
 * time.
 *
 * The holder of the recorder's lock adds and refreshes; any thread looks up what is there, and
 * `generation` is read and bumped by any. Modules are never removed and never move.
 */
#ifndef PRELOAD_MODULES_H
#define PRELOAD_MODULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "clock.h"
#include "objects.h"
#include "sys.h"

#define MODULE_BUILD_ID_MAX 64
#define MODULE_LOADED UINT64_MAX

struct module {
    uintptr_t start, end;
    uint64_t file_offset;
    uintptr_t load_bias;
    const char *path;
    uint8_t build_id[MODULE_BUILD_ID_MAX];
    unsigned build_id_size;       /* 0: none */
    uint64_t loaded_ns;           /* the first time */
    uint32_t loads;               /* how often it was found at this place */
    _Atomic uint64_t unloaded_ns; /* MODULE_LOADED: still there */
};

struct sampler;

struct modules {
    struct arena arena;
    struct sampler *sampler; /* told of what the loader will free with a module; NULL: none */
    const struct clock *clock;
    const char *exe;       /* path of the executable */
    struct module **by_id; /* MODULES_MAX pointers, lazily touched */
    _Atomic uint32_t count;
    _Atomic uint32_t checked_generation; /* `unloaded_ns` is right as of this one */
    /* Copies of what is being looked at: stacks may be small. */
    struct {
        _Alignas(8) char headers[4096];
        uint8_t notes[1024];
        char name[4096];
        struct object object;
        struct module module;
    } seen;
    /* Bumped whenever the loader may have unloaded something: what was derived from older code
     * must not be used any more. */
    _Atomic uint32_t generation;
};

#define MODULES_MAX (((uint32_t)1 << 16) - 1) /* with one for none, ids have 16 bits */

/* SAMPLER: frees pass that it is not told of; NULL: none does. */
int modules_init(struct modules *m, struct arena_pool *pool, const struct clock *clock,
                 const char *exe, struct sampler *sampler);

/* The id of the module that ADDRESS, which is on the present stack, lies in; -1 if in none. */
int32_t modules_find(struct modules *m, uintptr_t address);

/* The same for any thread, which does not hold LOCK, the recorder's: it is taken for a module that
 * is new, or where some may have been unloaded. */
int32_t modules_find_shared(struct modules *m, struct sys_lock *lock, uintptr_t address);

/* Notes which modules have been unloaded. */
void modules_refresh(struct modules *m);

/* Says that the loader may just have unloaded something. Any thread. */
static inline void modules_changed(struct modules *m)
{
    atomic_fetch_add_explicit(&m->generation, 1, memory_order_release);
}

static inline uint32_t modules_generation(struct modules *m)
{
    return atomic_load_explicit(&m->generation, memory_order_relaxed);
}

#endif
