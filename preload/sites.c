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
                   records_init(&s->sites, pool, sizeof(struct site)) < 0 ||
                   records_init(&s->forks, pool, sizeof(struct sites_fork)) < 0
               ? -1
               : 0;
}

/* A search among what hangs below a frame: how far it has come. */
struct spot {
    sites_link *link;
    uint32_t there; /* what that link was seen to be */
    uint64_t hash;  /* of what is searched for: the bits that are still to be followed */
};

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

static struct sites_fork *fork_at(const struct sites *s, uint32_t link)
{
    return records_at(&s->forks, link & ~SITES_LINK_FORK);
}

/* The frame or site that AT has come to, as in a link; 0: there is nothing. */
static inline uint32_t item_at(const struct sites *s, struct spot *at)
{
    at->there = atomic_load_explicit(at->link, memory_order_acquire);
    return at->there & SITES_LINK_FORK ? fork_at(s, at->there)->item : at->there;
}

/* From an item that is not the wanted one. Returns false if there are no others. */
static inline bool go_on(const struct sites *s, struct spot *at)
{
    if (!(at->there & SITES_LINK_FORK)) {
        return false;
    }
    at->link = &fork_at(s, at->there)->next[at->hash >> 63];
    at->hash <<= 1;
    return true;
}

/* The frame with CODE, from AT on. Returns its id, or 0, and AT where it is to be put. */
static inline uint32_t find_frame(const struct sites *s, struct spot *at, uint64_t code)
{
    uint32_t id;
    while ((id = item_at(s, at)) != 0) {
        if (!(id & SITES_LINK_SITE)) {
            struct frame *x = records_at(&s->frames, id);
            if (atomic_load_explicit(&x->code, memory_order_relaxed) == code) {
                fill(x);
                return id;
            }
        }
        if (!go_on(s, at)) {
            break;
        }
    }
    return 0;
}

/* As find_frame, of the site with FUNCTION. */
static uint32_t find_site(const struct sites *s, struct spot *at, uint32_t function)
{
    uint32_t id;
    while ((id = item_at(s, at)) != 0) {
        if (id & SITES_LINK_SITE) {
            const struct site *x = records_at(&s->sites, id & ~SITES_LINK_SITE);
            if (x->function == function) {
                return id & ~SITES_LINK_SITE;
            }
        }
        if (!go_on(s, at)) {
            break;
        }
    }
    return 0;
}

enum put { PUT, PUT_OTHER_FIRST, PUT_NO_MEMORY };

/* Makes ITEM known AT a place that a search for it has come to: beside what is there, if anything
 * is. */
static enum put put(struct sites *s, const struct spot *at, uint32_t item)
{
    uint32_t there = at->there, link = item;
    if (there != 0) {
        const uint32_t id = records_add(&s->forks, 1, RECORDS_MAX);
        if (id == 0) {
            return PUT_NO_MEMORY;
        }
        link = id | SITES_LINK_FORK;
        struct sites_fork *fork = fork_at(s, link);
        fork->item = there;
        atomic_store_explicit(&fork->next[at->hash >> 63], item, memory_order_relaxed);
    }
    return atomic_compare_exchange_strong_explicit(at->link, &there, link, memory_order_acq_rel,
                                                   memory_order_acquire)
               ? PUT
               : PUT_OTHER_FIRST;
}

static inline struct spot below(const struct sites *s, uint32_t frame, uint64_t hash)
{
    sites_link *link = frame == FRAME_ROOT
                           ? (sites_link *)&s->outermost
                           : &((struct frame *)records_at(&s->frames, frame))->inner;
    return (struct spot){.link = link, .hash = hash};
}

/* The site of FUNCTION below FRAME, added if it is new. 0 without memory or ids. */
static uint32_t site_intern(struct sites *s, uint32_t frame, uint32_t function)
{
    struct spot at = below(s, frame, hash_of(function + 1));
    uint32_t id = find_site(s, &at, function), added;
    if (id != 0 || (added = records_add(&s->sites, 1, LIVE_MAX_SITE - s->base)) == 0) {
        return id;
    }
    struct site *x = records_at(&s->sites, added);
    x->frame = frame;
    x->function = function;
    enum put done;
    while ((done = put(s, &at, added | SITES_LINK_SITE)) == PUT_OTHER_FIRST) {
        if ((id = find_site(s, &at, function)) != 0) {
            return id;
        }
    }
    return done == PUT ? added : 0;
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
    if (likely(w->in_spine)) {
        struct spine *p = w->stack->spine;
        for (struct spine_frame *f = &p->frame[i], *end = f + n; f != end; f++) {
            f->node = first++;
        }
        atomic_signal_fence(memory_order_seq_cst);
        p->nodes = i + n;
    }
}

/* Adds nodes for frame I, with CODE, and all that are further in, and makes them known AT its
 * place. Nothing hangs below a new node, so they are linked to each other before anybody sees them.
 * The first is none until it is known: a process may be killed, and another thread's be there by
 * then. If they cannot be made known they are left, and no frames.
 */
static enum put add_rest(struct way *w, size_t i, uint64_t code, const struct spot *at)
{
    struct sites *s = w->sites;
    const uint32_t n = (uint32_t)(w->stack->n - i), parent = w->parent;
    const uint32_t first = records_add(&s->frames, n, RECORDS_MAX), end = first + n;
    if (first == 0) {
        return PUT_NO_MEMORY;
    }
    struct frame *f = records_at(&s->frames, first);
    for (uint32_t id = first;;) {
        atomic_store_explicit(&f->code, code, memory_order_relaxed);
        atomic_store_explicit(&f->inner, id + 1 < end ? id + 1 : 0, memory_order_relaxed);
        atomic_store_explicit(&f->up, w->parent | (id == first ? 0 : FRAME_FILLED),
                              memory_order_release);
        w->parent = id;
        if (++id == end) {
            break;
        }
        f = records_begins_chunk(id) ? records_at(&s->frames, id) : f + 1;
        code = code_of(w, i + (id - first));
    }
    const enum put done = put(s, at, first);
    if (likely(done == PUT)) {
        fill(records_at(&s->frames, first));
        note_nodes(w, i, n, first);
        return PUT;
    }
    for (uint32_t id = first; id < end; id++) {
        f = records_at(&s->frames, id);
        atomic_store_explicit(&f->up, 0, memory_order_relaxed);
    }
    w->parent = parent;
    return done;
}

/* The node of the whole STACK. FRAME_ROOT without memory. */
static uint32_t stack_intern(struct sites *s, const struct stack *stack)
{
    struct way w = {.sites = s, .stack = stack, .in_spine = stack->flags & STACK_SPINE};
    for (size_t i = known_nodes(stack, modules_generation(s->modules), &w.parent); i < stack->n;
         i++) {
        const uint64_t code = code_of(&w, i);
        struct spot at = below(s, w.parent, hash_of(code));
        uint32_t id;
        while ((id = find_frame(s, &at, code)) == 0) {
            const enum put done = add_rest(&w, i, code, &at);
            if (done != PUT_OTHER_FIRST) {
                return done == PUT ? w.parent : FRAME_ROOT;
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
