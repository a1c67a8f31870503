/* SPDX-License-Identifier: MIT */
#include "salvage.h"

#include <string.h>

#include "arch.h"
#include "dump_content.h"
#include "process.h"
#include "salvage_parts.h"
#include "text.h"

#define PAGE ((uint64_t)4096)

/* Whether E is whole pages of the file, of user addresses. */
static bool sensible(const struct vault_extent *e, uint64_t file_size)
{
    const uint64_t limit = (uint64_t)1 << 56;
    return e->start % PAGE == 0 && e->size % PAGE == 0 && e->offset % PAGE == 0 && e->start > 0 &&
           e->size > 0 && e->start < limit && e->size < limit && e->size <= file_size &&
           e->offset <= file_size - e->size;
}

enum salvage_result salvage_check_header(const struct vault_header *h, uint64_t file_size)
{
    if (memcmp(h->magic, VAULT_MAGIC, sizeof h->magic) != 0 || h->layout != recorder_layout()) {
        return SALVAGE_OTHER;
    }
    const uint32_t state = atomic_load(&h->state), n = atomic_load(&h->extents);
    if (state == VAULT_CLOSED) {
        return SALVAGE_NOTHING;
    }
    if (state == VAULT_SPILT) {
        return SALVAGE_SPILT;
    }
    bool good = state == VAULT_OPEN && n > 0 && n <= VAULT_EXTENTS &&
                sensible(&h->section, file_size) &&
                h->section.size == sizeof(struct recorder) - SALVAGE_SECTION;
    for (uint32_t i = 0; good && i < n; i++) {
        good = sensible(&h->extent[i], file_size);
    }
    return good ? SALVAGE_DONE : SALVAGE_DAMAGED;
}

/* The strings of the card, which must end. */
static void end_strings(struct vault_card *c)
{
#define END(array) ((array)[sizeof(array) - 1] = '\0')
    END(c->out);
    END(c->exe);
    END(c->unwind_trouble);
    END(c->arch);
    END(c->argv);
    END(c->process.cwd);
    END(c->process.hostname);
    END(c->process.allocator);
    END(c->process.start_time);
    END(c->process.taken_function);
    END(c->process.taken_by);
#undef END
}

static void restore_argv(const struct vault_card *c)
{
    static const char *argv[VAULT_ARGV_MAX + 1];
    size_t n = 0;
    for (const char *p = c->argv; n < c->argc && p < c->argv + sizeof c->argv; n++) {
        argv[n] = p;
        p += strlen(p) + 1;
    }
    argv[n] = NULL;
    process.argv = argv;
}

/* Who the process was. One that was killed before it knew itself was where its launcher is. */
static void restore_process(struct vault_card *c)
{
    if (!c->described) {
        process_describe(NULL);
        process.descendant = true; /* its dump must not take the place of another's */
        return;
    }
    process = c->process;
    process.arch = c->arch;
    restore_argv(c);
}

static void restore_sampler(struct recorder *r, const struct vault_card *c)
{
    const struct vault_sampling *s = &c->sampling[atomic_load(&c->sampling_valid) % 2];
    r->sampler.on = atomic_load(&c->sampled);
    atomic_store(&r->sampler.mean, s->mean);
    r->sampler.budget = s->budget;
    atomic_store(&r->sampler.budget.due, UINT64_MAX);
}

/* What lies before the section, as far as a dump needs it. */
static void restore_head(struct recorder *r, struct vault_header *h)
{
    struct vault_card *c = &h->card;
    r->pid = (int)h->pid;
    r->options = c->options;
    memcpy(r->out, c->out, sizeof r->out);
    r->options.out = r->out;
    r->options.keeper = "";
    memcpy(r->exe, c->exe, sizeof r->exe);
    r->unwind_trouble = c->unwind_trouble[0] ? c->unwind_trouble : NULL;
    r->vault.header = h;
    restore_sampler(r, c);
    r->signal_handler = 0;
    r->modules.clock = &r->clock;
    r->modules.exe = r->exe;
    r->modules.checked_generation = modules_generation(&r->modules);
}

/* Meters that say what the threads' own said last; theirs are gone. */
static bool restore_meters(struct recorder *r)
{
    static struct arena_pool pool;
    static struct arena arena = {.pool = &pool};
    for (struct thread *t = atomic_load(&r->threads); t; t = atomic_load(&t->next)) {
        t->meter = NULL;
        struct sampler_meter *m = r->sampler.on ? arena_alloc(&arena, sizeof *m) : NULL;
        if (!m && r->sampler.on) {
            return false;
        }
        if (m) {
            atomic_store(&m->allocs, t->passed.allocs);
            atomic_store(&m->position, t->passed.bytes + t->passed.allocs);
            atomic_store(&m->frees, t->passed.frees);
            atomic_store(&m->recorded, t->passed.recorded);
            t->meter = m;
        }
    }
    return true;
}

static void raise_to(uint64_t *most, uint64_t bytes)
{
    *most = bytes > *most ? bytes : *most;
}

/* The last that is known of the process's memory. */
static void find_memory(struct memory *memory, const struct recorder *r)
{
    const struct timeline *t = &r->timeline;
    const struct footprint_reading *kept = footprint_kept_last(&r->footprint);
    for (uint32_t i = 0; i < t->n; i++) {
        memory->rss_bytes = t->row[i].rss_bytes;
        raise_to(&memory->peak_rss_bytes, memory->rss_bytes);
    }
    if (kept && (t->n == 0 || kept->elapsed_ns > t->row[t->n - 1].elapsed_ns)) {
        memory->rss_bytes = kept->footprint.rss;
    }
    raise_to(&memory->peak_rss_bytes, kept ? kept->peak_rss_bytes : 0);
}

enum salvage_result salvage_mapped(struct recorder *r, struct vault_header *h,
                                   const struct salvage_map *m, const struct salvage_request *q)
{
    static struct dump_facts facts;
    if (!h->card.begun) {
        return SALVAGE_NOTHING; /* killed before it had begun */
    }
    end_strings(&h->card);
    restore_head(r, h);
    r->vault.watched = q->watched;
    if (!salvage_check(m, r) || !restore_meters(r)) {
        return SALVAGE_DAMAGED;
    }
    if (r->parent_pid && r->sites.sites.count == 0) {
        return SALVAGE_NOTHING; /* a child that counted nothing */
    }
    restore_process(&h->card);
    if (!salvage_mend(m, r, &facts.complete)) {
        return SALVAGE_DAMAGED;
    }
    facts.ppid = h->card.ppid;
    find_memory(&facts.memory, r);
    facts.memory.profiler_mapped_bytes = facts.memory.profiler_bytes = q->vault_bytes;
    if (q->rss_bytes) {
        facts.memory.rss_bytes = q->rss_bytes;
        raise_to(&facts.memory.peak_rss_bytes, q->rss_bytes);
    }
    const struct dump_request request = {.reason = q->reason,
                                         .replaced = q->replaced,
                                         .quiet = q->watched,
                                         .facts = &facts,
                                         .writer = sys_pid(),
                                         .names = q->names};
    return dump_write(r, &request) == 0 ? SALVAGE_DONE : SALVAGE_FAILED;
}
