/* SPDX-License-Identifier: MIT
 *
 * The sites, and the calling-context tree that holds each distinct stack once. A frame is a node:
 * its parent, its address and the module that the address was in at the time. A site is a frame
 * together with the allocation function that was called from there.
 *
 * Under the recorder's lock, but for site_at: its record may be read by any thread that knows the
 * id, and its two atomics changed by any.
 */
#ifndef PRELOAD_SITES_H
#define PRELOAD_SITES_H

#include <stdatomic.h>
#include <stdint.h>

#include "idtable.h"
#include "modules.h"
#include "stack.h"

/* The functions that a site can have, named as in the dump. */
enum site_function {
#define ALLOC(name, type, parameters, needed) SITE_##name,
#define OTHER(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    SITE_operator_new,
    SITE_operator_new_array,
    /* Of mappings, see mappings.h. */
    SITE_mmap,
    SITE_mremap,
    SITE_brk,
    SITE_sbrk,
    SITE_shmat,
    SITE_FUNCTIONS
};

extern const char *const site_function_name[SITE_FUNCTIONS];

#define FRAME_ROOT 0u

struct frame {
    uint32_t parent;
    int32_t module; /* id in modules; -1: none */
    uintptr_t ip;
    uint8_t interrupted; /* holds the very instruction that a signal interrupted */
};

struct site {
    uint32_t frame;
    uint32_t function;              /* enum site_function */
    _Atomic int64_t live_bytes;     /* what the threads' shards have handed in, see shard.h */
    _Atomic int64_t max_live_bytes; /* the highest that this was seen to be */
};

#define SITES_LAST 256

struct sites {
    struct idtable frames; /* of struct frame; the root has no record */
    struct idtable sites;  /* of struct site */
    uint32_t base;         /* a site's id as blocks have it = its id in the table + base */
    /* The stack that came last, from the outermost frame: the next one often begins alike. */
    struct {
        uintptr_t ip;
        uint32_t frame;
    } last[SITES_LAST];
    size_t last_count;
    uint32_t last_generation; /* of the modules */
};

int sites_init(struct sites *s, struct arena_pool *pool, uint32_t base);

/* The id, for live blocks, of the site of STACK and FUNCTION; 0 without memory or ids. */
uint32_t sites_intern(struct sites *s, struct modules *modules, const struct stack *stack,
                      enum site_function function);

/* Whether a block's site is of this process, not one that it inherited by fork. */
static inline bool sites_own(const struct sites *s, uint32_t id)
{
    return id > s->base;
}

static inline struct site *sites_at(const struct sites *s, uint32_t id)
{
    return idtable_at(&s->sites, id - s->base);
}

static inline const struct frame *sites_frame(const struct sites *s, uint32_t frame)
{
    return idtable_at(&s->frames, frame);
}

#endif
