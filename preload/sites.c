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

int sites_init(struct sites *s, struct arena_pool *pool, uint32_t base)
{
    s->base = base;
    s->last_count = 0;
    return idtable_init(&s->frames, pool, sizeof(struct frame)) < 0 ||
                   idtable_init(&s->sites, pool, sizeof(struct site)) < 0
               ? -1
               : 0;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ b * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static uint64_t frame_hash(const void *record)
{
    const struct frame *f = record;
    return mix(mix(f->ip, f->parent), (uint64_t)f->module);
}

static bool frame_equal(const void *record, const void *key)
{
    const struct frame *a = record, *b = key;
    return a->ip == b->ip && a->parent == b->parent && a->module == b->module;
}

static uint64_t site_hash(const void *record)
{
    const struct site *s = record;
    return mix(s->frame, s->function);
}

static bool site_equal(const void *record, const void *key)
{
    const struct site *a = record, *b = key;
    return a->frame == b->frame && a->function == b->function;
}

/* The node for IP below PARENT, added if it is new. FRAME_ROOT without memory. */
static uint32_t frame_intern(struct sites *s, struct modules *modules, uint32_t parent,
                             uintptr_t ip)
{
    struct frame wanted = {.parent = parent, .ip = ip, .module = modules_find(modules, ip)};
    const struct idtable_key key = {frame_hash(&wanted), &wanted, frame_equal, frame_hash};
    uint32_t id = idtable_find(&s->frames, &key);
    if (id != 0) {
        return id;
    }
    void *record;
    id = idtable_add(&s->frames, &key, &record);
    if (id != 0) {
        *(struct frame *)record = wanted;
        /* What called a signal trampoline was not called from: it was interrupted. */
        if (parent != FRAME_ROOT && object_is_signal_trampoline(ip)) {
            ((struct frame *)idtable_at(&s->frames, parent))->interrupted = 1;
        }
    }
    return id;
}

/* The node of the whole STACK. FRAME_ROOT without memory. */
static uint32_t stack_intern(struct sites *s, struct modules *modules, const struct stack *stack)
{
    uint32_t generation = modules_generation(modules), frame = FRAME_ROOT;
    size_t known = s->last_generation == generation ? s->last_count : 0;
    s->last_generation = generation;
    for (size_t i = 0; i < stack->n; i++) {
        uintptr_t ip = stack->ip[stack->n - 1 - i];
        if (i < known && s->last[i].ip == ip) {
            frame = s->last[i].frame;
            continue;
        }
        known = 0;
        frame = frame_intern(s, modules, frame, ip);
        if (frame == FRAME_ROOT) {
            s->last_count = 0;
            return FRAME_ROOT;
        }
        if (i < SITES_LAST) {
            s->last[i].ip = ip;
            s->last[i].frame = frame;
        }
    }
    s->last_count = stack->n < SITES_LAST ? stack->n : SITES_LAST;
    return frame;
}

uint32_t sites_intern(struct sites *s, struct modules *modules, const struct stack *stack,
                      enum site_function function)
{
    uint32_t frame = stack_intern(s, modules, stack);
    if (frame == FRAME_ROOT) {
        return 0;
    }
    struct site wanted = {.frame = frame, .function = function};
    const struct idtable_key key = {site_hash(&wanted), &wanted, site_equal, site_hash};
    uint32_t id = idtable_find(&s->sites, &key);
    if (id == 0 && s->sites.count + s->base < LIVE_MAX_SITE) {
        void *record;
        id = idtable_add(&s->sites, &key, &record);
        if (id != 0) {
            ((struct site *)record)->frame = frame;
            ((struct site *)record)->function = function;
        }
    }
    return id != 0 ? id + s->base : 0;
}
