/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include "live.h"
#include "objects.h"

const char *const site_function_name[SITE_FUNCTIONS] = {
#define ALLOC(name, type, parameters, needed) [SITE_##name] = #name,
#define OTHER(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    [SITE_operator_new] = "operator new",
    [SITE_operator_new_array] = "operator new[]",
    [SITE_mmap] = "mmap",
    [SITE_mremap] = "mremap",
    [SITE_brk] = "brk",
    [SITE_sbrk] = "sbrk",
    [SITE_shmat] = "shmat",
};

int sites_init(struct sites *s, struct arena_pool *pool, uint32_t base, struct modules *modules,
               struct sys_lock *lock)
{
    s->base = base;
    s->modules = modules;
    s->lock = lock;
    atomic_store(&s->outermost, 0);
    return records_init(&s->frames, pool, sizeof(struct frame)) < 0 ||
                   records_init(&s->sites, pool, sizeof(struct site)) < 0
               ? -1
               : 0;
}

/* The link to go on at from LINK, of the two of a frame or site, towards what has HASH. */
static inline sites_link *next_link(sites_link next[2], uint64_t *hash)
{
    sites_link *link = &next[*hash >> 63];
    *hash <<= 1;
    return link;
}

static inline uint64_t hash_of(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15u;
}

/* Follows *LINK to the frame with CODE. Returns its id, or 0 and the empty link for it. */
static uint32_t find_frame(const struct sites *s, sites_link **link, uint64_t *hash, uint64_t code)
{
    uint32_t id;
    while ((id = atomic_load_explicit(*link, memory_order_acquire)) != 0) {
        if (id & SITES_LINK_SITE) {
            struct site *x = records_at(&s->sites, id & ~SITES_LINK_SITE);
            *link = next_link(x->next, hash);
            continue;
        }
        struct frame *x = records_at(&s->frames, id);
        if (atomic_load_explicit(&x->code, memory_order_relaxed) == code) {
            return id;
        }
        *link = next_link(x->next, hash);
    }
    return 0;
}

/* As find_frame, of the site with FUNCTION. */
static uint32_t find_site(const struct sites *s, sites_link **link, uint64_t *hash,
                          uint32_t function)
{
    uint32_t id;
    while ((id = atomic_load_explicit(*link, memory_order_acquire)) != 0) {
        if (!(id & SITES_LINK_SITE)) {
            struct frame *x = records_at(&s->frames, id);
            *link = next_link(x->next, hash);
            continue;
        }
        struct site *x = records_at(&s->sites, id & ~SITES_LINK_SITE);
        if (x->function == function) {
            return id & ~SITES_LINK_SITE;
        }
        *link = next_link(x->next, hash);
    }
    return 0;
}

/* Makes ID known, where nothing is yet. */
static bool put(sites_link *link, uint32_t id)
{
    uint32_t none = 0;
    return atomic_compare_exchange_strong_explicit(link, &none, id, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static sites_link *below(const struct sites *s, uint32_t frame)
{
    return frame == FRAME_ROOT ? (sites_link *)&s->outermost
                               : &((struct frame *)records_at(&s->frames, frame))->inner;
}

/* The node with CODE below PARENT, added if it is new. FRAME_ROOT without memory. */
static uint32_t frame_intern(struct sites *s, uint32_t parent, uint64_t code)
{
    sites_link *link = below(s, parent);
    uint64_t hash = hash_of(code);
    uint32_t id = find_frame(s, &link, &hash, code), added;
    if (id != 0 || (added = records_add(&s->frames, RECORDS_MAX)) == 0) {
        return id;
    }
    struct frame *f = records_at(&s->frames, added);
    atomic_store_explicit(&f->up, parent | FRAME_FILLED, memory_order_relaxed);
    atomic_store_explicit(&f->code, code, memory_order_relaxed);
    while (id == 0 && !put(link, added)) {
        id = find_frame(s, &link, &hash, code);
    }
    if (unlikely(id != 0)) {
        atomic_store_explicit(&f->up, 0, memory_order_relaxed);
        return id;
    }
    return added;
}

/* The site of FUNCTION below FRAME, added if it is new. 0 without memory or ids. */
static uint32_t site_intern(struct sites *s, uint32_t frame, uint32_t function)
{
    sites_link *link = below(s, frame);
    uint64_t hash = hash_of(function + 1);
    uint32_t id = find_site(s, &link, &hash, function), added;
    if (id != 0 || (added = records_add(&s->sites, LIVE_MAX_SITE - s->base)) == 0) {
        return id;
    }
    struct site *x = records_at(&s->sites, added);
    x->frame = frame;
    x->function = function;
    while (id == 0 && !put(link, added | SITES_LINK_SITE)) {
        id = find_site(s, &link, &hash, function);
    }
    return id != 0 ? id : added;
}

/* What called a signal trampoline was not called from: it was interrupted. */
static void mark_interrupted(const struct sites *s, uint32_t frame, uintptr_t ip)
{
    if (frame != FRAME_ROOT && object_is_signal_trampoline(ip)) {
        struct frame *f = records_at(&s->frames, frame);
        atomic_fetch_or_explicit(&f->up, FRAME_INTERRUPTED, memory_order_relaxed);
    }
}

/* The outermost frames of STACK whose nodes are noted in its spine; the last one's in *FRAME. */
static size_t known_nodes(const struct stack *stack, uint32_t generation, uint32_t *frame)
{
    struct spine *p = stack->spine;
    if (!(stack->flags & STACK_SPINE)) {
        return 0;
    }
    if (p->generation != generation) {
        p->nodes = 0;
        atomic_signal_fence(memory_order_seq_cst); /* a handler may leave here, and below */
        p->generation = generation;
    }
    *frame = p->nodes > 0 ? p->frame[p->nodes - 1].node : FRAME_ROOT;
    return p->nodes;
}

/* The node of the whole STACK. FRAME_ROOT without memory. */
static uint32_t stack_intern(struct sites *s, const struct stack *stack)
{
    const bool in_spine = stack->flags & STACK_SPINE;
    uint32_t frame = FRAME_ROOT;
    int32_t module = -1;
    for (size_t i = known_nodes(stack, modules_generation(s->modules), &frame); i < stack->n; i++) {
        const uintptr_t ip =
            in_spine ? spine_step(stack->spine, i)->ip : stack->ip[stack->n - 1 - i];
        module = modules_find_shared(s->modules, s->lock, ip, module);
        const uint64_t code = (ip & (((uint64_t)1 << FRAME_IP_BITS) - 1)) |
                              (uint64_t)(uint32_t)(module + 1) << FRAME_IP_BITS;
        if (!in_spine) { /* which has no signal frames */
            mark_interrupted(s, frame, ip);
        }
        frame = frame_intern(s, frame, code);
        if (frame == FRAME_ROOT) {
            return FRAME_ROOT;
        }
        if (in_spine) {
            stack->spine->frame[i].node = frame;
            atomic_signal_fence(memory_order_seq_cst);
            stack->spine->nodes = i + 1;
        }
    }
    return frame;
}

uint32_t sites_intern(struct sites *s, const struct stack *stack, enum site_function function)
{
    const uint32_t frame = stack_intern(s, stack);
    const uint32_t id = frame != FRAME_ROOT ? site_intern(s, frame, function) : 0;
    return id != 0 ? id + s->base : 0;
}
