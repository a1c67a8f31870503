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

/* F is known, so it is one: who made it known may not have come to say so yet. */
static inline void fill(struct frame *f)
{
    if (unlikely(!frame_filled(f))) {
        atomic_fetch_or_explicit(&f->up, FRAME_FILLED, memory_order_relaxed);
    }
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
            fill(x);
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

/* The site of FUNCTION below FRAME, added if it is new. 0 without memory or ids. */
static uint32_t site_intern(struct sites *s, uint32_t frame, uint32_t function)
{
    sites_link *link = below(s, frame);
    uint64_t hash = hash_of(function + 1);
    uint32_t id = find_site(s, &link, &hash, function), added;
    if (id != 0 || (added = records_add(&s->sites, 1, LIVE_MAX_SITE - s->base)) == 0) {
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

/* A way along the frames of a stack, from the outermost inward. */
struct way {
    struct sites *sites;
    const struct stack *stack;
    bool in_spine;         /* which has no signal frames */
    uint32_t parent;       /* the node of the frame before; FRAME_ROOT: none */
    uintptr_t start, size; /* of the module that this was in */
    uint64_t module;       /* its part of a node's code */
};

static __attribute__((noinline)) void enter_module(struct way *w, uintptr_t ip)
{
    const struct modules *modules = w->sites->modules;
    const int32_t id = modules_find_shared(w->sites->modules, w->sites->lock, ip);
    w->module = (uint64_t)(uint32_t)(id + 1) << FRAME_IP_BITS;
    w->start = id < 0 ? ip : modules->by_id[id]->start;
    w->size = id < 0 ? 0 : modules->by_id[id]->end - w->start;
}

/* What the node of frame I, the outermost being 0, holds. */
static inline uint64_t code_of(struct way *w, size_t i)
{
    const struct stack *stack = w->stack;
    const uintptr_t ip =
        likely(w->in_spine) ? spine_step(stack->spine, i)->ip : stack->ip[stack->n - 1 - i];
    if (unlikely(ip - w->start >= w->size)) {
        enter_module(w, ip);
    }
    if (unlikely(!w->in_spine)) {
        mark_interrupted(w->sites, w->parent, ip);
    }
    return (ip & (((uint64_t)1 << FRAME_IP_BITS) - 1)) | w->module;
}

/* Notes that FIRST and the ids behind it are the nodes of the N frames from I on. */
static void note_nodes(const struct way *w, size_t i, size_t n, uint32_t first)
{
    for (size_t k = 0; w->in_spine && k < n; k++) {
        w->stack->spine->frame[i + k].node = first + (uint32_t)k;
    }
    atomic_signal_fence(memory_order_seq_cst);
    if (w->in_spine) {
        w->stack->spine->nodes = i + n;
    }
}

/* Adds nodes for frame I, with CODE, and all that are further in, and makes them known by LINK.
 * Nothing hangs below a new node, so they are linked to each other before anybody sees them. The
 * first is none until it is known: a process may be killed, and another thread's be there by then.
 * Returns false without memory, or if something was there first: then they are left, and no frames.
 */
static bool add_rest(struct way *w, size_t i, uint64_t code, sites_link *link)
{
    struct sites *s = w->sites;
    const uint32_t n = (uint32_t)(w->stack->n - i), parent = w->parent;
    const uint32_t first = records_add(&s->frames, n, RECORDS_MAX), end = first + n;
    if (first == 0) {
        return false;
    }
    for (uint32_t id = first;;) {
        struct frame *f = records_at(&s->frames, id);
        atomic_store_explicit(&f->code, code, memory_order_relaxed);
        atomic_store_explicit(&f->inner, id + 1 < end ? id + 1 : 0, memory_order_relaxed);
        atomic_store_explicit(&f->up, w->parent | (id == first ? 0 : FRAME_FILLED),
                              memory_order_release);
        w->parent = id;
        if (++id == end) {
            break;
        }
        code = code_of(w, i + (id - first));
    }
    if (likely(put(link, first))) {
        fill(records_at(&s->frames, first));
        note_nodes(w, i, n, first);
        return true;
    }
    for (uint32_t id = first; id < end; id++) {
        struct frame *f = records_at(&s->frames, id);
        atomic_store_explicit(&f->up, 0, memory_order_relaxed);
    }
    w->parent = parent;
    return false;
}

/* The node of the whole STACK. FRAME_ROOT without memory. */
static uint32_t stack_intern(struct sites *s, const struct stack *stack)
{
    struct way w = {.sites = s, .stack = stack, .in_spine = stack->flags & STACK_SPINE};
    for (size_t i = known_nodes(stack, modules_generation(s->modules), &w.parent); i < stack->n;
         i++) {
        const uint64_t code = code_of(&w, i);
        sites_link *link = below(s, w.parent);
        uint64_t hash = hash_of(code);
        uint32_t id;
        while ((id = find_frame(s, &link, &hash, code)) == 0) {
            if (likely(add_rest(&w, i, code, link))) {
                return w.parent;
            }
            if (atomic_load(link) == 0) {
                return FRAME_ROOT;
            }
        }
        w.parent = id;
        note_nodes(&w, i, 1, id);
    }
    return w.parent;
}

uint32_t sites_intern(struct sites *s, const struct stack *stack, enum site_function function)
{
    const uint32_t frame = stack_intern(s, stack);
    const uint32_t id = frame != FRAME_ROOT ? site_intern(s, frame, function) : 0;
    return id != 0 ? id + s->base : 0;
}
