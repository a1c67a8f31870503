/* SPDX-License-Identifier: MIT
 *
 * Open addressing. Entries whose addresses share a bit of the filter start from the same place, so
 * that the run of entries from there tells whether the bit is still needed. A gap is closed by
 * copying the next entry into it before that one's place becomes the gap: whenever another thread
 * forks, every entry is in the table, though one of them perhaps twice.
 */
#include "sampler_set.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define FIRST_ENTRIES ((size_t)1024)
#define PAGE ((size_t)4096)
#define BITS_PER_ENTRY ((size_t)128)

_Static_assert(FIRST_ENTRIES *BITS_PER_ENTRY >= SAMPLER_NEAR * 8, "a part of the filter");

/* Where entries with ADDRESS's bit start. The filter has a bit for this, not the other way round,
 * so that all addresses of a bit agree. */
static size_t home(const struct sampler_filter *f, size_t mask, uintptr_t address)
{
    return (size_t)(sampler_filter_bit(f, address) * 0x9e3779b97f4a7c15u >> 32) & mask;
}

static uintptr_t address_at(const struct sampler_table *t, size_t i)
{
    return atomic_load_explicit(&t->entry[i].address, memory_order_relaxed);
}

static void fill(struct sampler_entry *e, uintptr_t address, const struct weighted_block *block)
{
    e->block = *block;
    atomic_store_explicit(&e->address, address, memory_order_release);
}

static void change_bit(struct sampler_filter *f, size_t bit, bool set)
{
    uint64_t word = atomic_load_explicit(&f->word[bit / 64], memory_order_relaxed);
    uint64_t mask = (uint64_t)1 << bit % 64;
    atomic_store_explicit(&f->word[bit / 64], set ? word | mask : word & ~mask,
                          memory_order_relaxed);
}

/* The place of BIT's byte in the table that is looked at first. */
static size_t near_of(size_t bit)
{
    return bit / 8 % SAMPLER_NEAR;
}

static void mark_near(struct sampler_set *s, size_t place, bool set)
{
    atomic_store_explicit(&s->near[place], set, memory_order_relaxed);
}

/* The place of ADDRESS, or the empty one where it would go. */
static size_t find(const struct sampler_table *t, const struct sampler_filter *f, uintptr_t address)
{
    size_t i = home(f, t->mask, address);
    while (address_at(t, i) != address && address_at(t, i) != 0) {
        i = (i + 1) & t->mask;
    }
    return i;
}

/* Puts the entries of FROM into TO and F, which are empty. Returns how many there are. */
static size_t copy_all(struct sampler_table *to, struct sampler_filter *f,
                       const struct sampler_table *from)
{
    size_t n = 0;
    for (size_t i = 0; i <= from->mask; i++) {
        uintptr_t address = address_at(from, i);
        size_t place = address ? find(to, f, address) : 0;
        if (address && address_at(to, place) == 0) {
            fill(&to->entry[place], address, &from->entry[i].block);
            change_bit(f, sampler_filter_bit(f, address), true);
            n++;
        }
    }
    return n;
}

/* Moves all to a table of ENTRIES places, with a filter of its own. The old filter stays for its
 * readers, who may have found it before; nothing that is put in from now on is theirs to free
 * without having seen the new one. */
static int rebuild(struct sampler_set *s, size_t entries)
{
    struct sampler_filter *f = arena_pool_map(s->pool, sizeof *f + entries * BITS_PER_ENTRY / 8);
    struct sampler_table *t = arena_pool_map(s->pool, sizeof *t + entries * sizeof t->entry[0]);
    if (!f || !t) {
        return -1;
    }
    f->mask = entries * BITS_PER_ENTRY - 1;
    t->mask = entries - 1;
    struct sampler_table *old = atomic_load(&s->table);
    s->used = old ? copy_all(t, f, old) : 0;
    atomic_store_explicit(&s->table, t, memory_order_release);
    atomic_store_explicit(&s->filter, f, memory_order_release);
    if (old) {
        /* The pool keeps the addresses; the memory goes back, but for the page that tells late
         * readers the size. */
        size_t bytes = (sizeof *old + (old->mask + 1) * sizeof old->entry[0]) & ~(PAGE - 1);
        sys_call(SYS_madvise, (long)old + (long)PAGE, (long)(bytes - PAGE), MADV_DONTNEED, 0, 0, 0);
    }
    return 0;
}

int sampler_set_init(struct sampler_set *s, struct arena_pool *pool)
{
    s->pool = pool;
    mark_near(s, 0, true);
    return rebuild(s, FIRST_ENTRIES);
}

void sampler_set_pass_none(struct sampler_set *s)
{
    s->near_all = true;
    for (size_t i = 0; i < SAMPLER_NEAR; i++) {
        mark_near(s, i, true);
    }
}

static uint64_t version_of(const struct sampler_set *s)
{
    return atomic_load_explicit(&s->version, memory_order_relaxed);
}

/* Around what moves entries. */
static sys_sigset begin(struct sampler_set *s)
{
    sys_sigset before = sys_lock(&s->lock);
    atomic_store_explicit(&s->version, version_of(s) + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    return before;
}

static void end(struct sampler_set *s, sys_sigset before)
{
    atomic_store_explicit(&s->version, version_of(s) + 1, memory_order_release);
    sys_unlock(&s->lock, before);
}

static enum live_result put(struct sampler_set *s, uintptr_t address,
                            const struct weighted_block *block, struct weighted_block *old)
{
    size_t mask = atomic_load(&s->table)->mask;
    if (s->used * 4 > mask * 3 && rebuild(s, (mask + 1) * 2) < 0 && s->used == mask) {
        return LIVE_FULL; /* one place must stay empty, or searches would not end */
    }
    struct sampler_filter *f = atomic_load(&s->filter);
    struct sampler_table *t = atomic_load(&s->table);
    struct sampler_entry *e = &t->entry[find(t, f, address)];
    if (atomic_load_explicit(&e->address, memory_order_relaxed) == address) {
        *old = e->block;
        e->block = *block;
        return LIVE_REPLACED;
    }
    fill(e, address, block);
    size_t bit = sampler_filter_bit(f, address);
    change_bit(f, bit, true);
    mark_near(s, near_of(bit), true);
    s->used++;
    return LIVE_OK;
}

enum live_result sampler_set_put(struct sampler_set *s, uintptr_t address,
                                 const struct weighted_block *block, struct weighted_block *old)
{
    sys_sigset before = begin(s);
    enum live_result result = put(s, address, block, old);
    end(s, before);
    return result;
}

void sampler_set_keep(struct sampler_set *s, uintptr_t address, const struct weighted_block *block)
{
    struct weighted_block old;
    const sys_sigset before = begin(s);
    const struct sampler_table *t = atomic_load(&s->table);
    if (address_at(t, find(t, atomic_load(&s->filter), address)) != address) {
        put(s, address, block, &old);
    }
    end(s, before);
}

/* Empties place GAP: entries behind it that would not be found any more move up. */
static void close_gap(struct sampler_table *t, const struct sampler_filter *f, size_t gap)
{
    for (size_t i = (gap + 1) & t->mask; address_at(t, i) != 0; i = (i + 1) & t->mask) {
        size_t start = home(f, t->mask, address_at(t, i));
        if (((i - start) & t->mask) >= ((i - gap) & t->mask)) {
            fill(&t->entry[gap], address_at(t, i), &t->entry[i].block);
            gap = i;
        }
    }
    atomic_store_explicit(&t->entry[gap].address, 0, memory_order_relaxed);
}

/* Whether an entry has the bit of ADDRESS. */
static bool bit_is_used(const struct sampler_table *t, const struct sampler_filter *f,
                        uintptr_t address)
{
    size_t bit = sampler_filter_bit(f, address);
    for (size_t i = home(f, t->mask, address); address_at(t, i) != 0; i = (i + 1) & t->mask) {
        if (sampler_filter_bit(f, address_at(t, i)) == bit) {
            return true;
        }
    }
    return false;
}

/* Nobody needs BIT of F any more. */
static void clear_bit(struct sampler_set *s, struct sampler_filter *f, size_t bit)
{
    change_bit(f, bit, false);
    const size_t place = near_of(bit);
    bool needed = place == 0 || s->near_all;
    for (size_t i = place; !needed && i <= f->mask / 8; i += SAMPLER_NEAR) {
        const uint64_t word = atomic_load_explicit(&f->word[i / 8], memory_order_relaxed);
        needed = (word >> i % 8 * 8 & 0xff) != 0;
    }
    if (!needed) {
        mark_near(s, place, false);
    }
}

/* Whether ADDRESS is certainly not in the table, looked up without the lock. */
static bool is_absent(struct sampler_set *s, uintptr_t address)
{
    uint64_t version = atomic_load_explicit(&s->version, memory_order_acquire);
    if (version % 2 != 0) {
        return false;
    }
    const struct sampler_table *t = atomic_load_explicit(&s->table, memory_order_acquire);
    const struct sampler_filter *f = atomic_load_explicit(&s->filter, memory_order_acquire);
    size_t i = home(f, t->mask, address), steps = 0;
    uintptr_t found;
    while ((found = address_at(t, i)) != address && found != 0 && steps++ <= t->mask) {
        i = (i + 1) & t->mask;
    }
    atomic_thread_fence(memory_order_acquire);
    return found == 0 && version_of(s) == version;
}

bool sampler_set_take(struct sampler_set *s, uintptr_t address, struct weighted_block *block)
{
    struct sampler_filter *f = atomic_load_explicit(&s->filter, memory_order_acquire);
    if (!sampler_filter_has(f, address) || is_absent(s, address)) {
        return false;
    }
    sys_sigset before = begin(s);
    struct sampler_table *t = atomic_load(&s->table);
    f = atomic_load(&s->filter);
    size_t i = find(t, f, address);
    bool found = address_at(t, i) == address;
    if (found) {
        *block = t->entry[i].block;
        close_gap(t, f, i);
        s->used--;
        if (!bit_is_used(t, f, address)) {
            clear_bit(s, f, sampler_filter_bit(f, address));
        }
    }
    end(s, before);
    return found;
}

/* Sets the bits that an insertion may not have come to. One too many does no harm. */
static void mend_near(struct sampler_set *s)
{
    const struct sampler_table *t = atomic_load(&s->table);
    const struct sampler_filter *f = atomic_load(&s->filter);
    for (size_t i = 0; i <= t->mask; i++) {
        if (address_at(t, i) != 0) {
            mark_near(s, near_of(sampler_filter_bit(f, address_at(t, i))), true);
        }
    }
}

void sampler_set_child(struct sampler_set *s)
{
    bool was_held = atomic_load(&s->lock.state) != 0;
    s->lock = (struct sys_lock){0};
    if (was_held) {
        /* Without memory the table stays as it is: at worst a block that was moving is found twice.
         */
        rebuild(s, atomic_load(&s->table)->mask + 1);
        atomic_store(&s->version, 0);
        mend_near(s);
    }
}

void sampler_set_sum(const struct sampler_set *s, uint64_t *bytes, uint64_t *count)
{
    *bytes = *count = 0;
    const struct sampler_table *t = atomic_load(&s->table);
    for (size_t i = 0; t && i <= t->mask; i++) {
        const struct weighted_block *b = &t->entry[i].block;
        if (address_at(t, i) != 0 && b->block.site != 0) {
            *bytes += b->weight * b->block.size;
            *count += b->weight;
        }
    }
}
