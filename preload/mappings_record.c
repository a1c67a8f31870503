/* SPDX-License-Identifier: MIT */
#include "mappings_record.h"

#include <errno.h>

bool mappings_watched_slow(struct recorder *r, uintptr_t frame)
{
    if (!recorder_on(r)) {
        return false;
    }
    if (unlikely(atomic_load_explicit(r->alive, memory_order_relaxed) == 0)) {
        if (!guard_enter(frame)) {
            return false;
        }
        recorder_thread(r); /* notices that this is a child */
        guard_leave();
    }
    return recorder_on(r);
}

void mappings_before(struct recorder *r, struct mappings_change *change, enum mappings_how how,
                     uintptr_t start, uintptr_t end)
{
    change->how = how;
    change->any = start < end;
    change->taken = mappings_take(&r->mappings, start, end);
}

void mappings_before_detach(struct recorder *r, struct mappings_change *change, uintptr_t start)
{
    change->any = true;
    change->taken = mappings_take_attached(&r->mappings, start);
}

void mappings_after(struct recorder *r, struct mappings_change *change, bool unmapped)
{
    const int saved = errno;
    if (unmapped) {
        /* Under the guard libunwind unmaps its own. */
        const bool knowable = change->any && change->how != MAPPINGS_OVER && guard_tls.frame == 0;
        mappings_gone(&r->mappings, change->taken, knowable);
    } else {
        mappings_put_back(&r->mappings, change->taken, change->how != MAPPINGS_UNMAP);
    }
    *change = (struct mappings_change){0};
    errno = saved;
}

/* The site of the stack at CALLER; 0 without memory. */
static uint32_t find_site(struct recorder *r, struct thread *t, enum site_function function,
                          const struct stack_start *caller)
{
    stack_capture(&t->stack, r->unwind_trouble ? NULL : &r->rules, modules_generation(&r->modules),
                  caller);
    if (stack_is_cut(&t->stack)) {
        counter_add(&t->truncated_stack_count, 1);
    }
    return sites_intern(&r->sites, &t->stack, function);
}

/* Fills in whose call it is. Returns false if that cannot be told, having counted it. */
static bool describe_call(struct recorder *r, enum site_function function,
                          const struct stack_start *caller, struct mapping_call *call)
{
    if (!guard_enter(caller->sp)) {
        guard_tls.nested = true;
        /* The unwinder's own; or a signal handler's that interrupted the recorder. */
        if (!guard_tls.internal && !(r->unwinder && unwinder_owns(r->unwinder, caller->ip))) {
            mappings_dropped(&r->mappings);
        }
        return false;
    }
    struct thread *t = NULL;
    if (guard_tls.thread || recorder_thread_is_quiet()) {
        t = recorder_thread(r);
    }
    if (t) {
        call->site = find_site(r, t, function, caller);
        call->thread = t->serial;
        if (guard_tls.exited) {
            recorder_thread_end(r, t);
        }
    } else {
        mappings_dropped(&r->mappings);
    }
    guard_leave();
    return t != NULL;
}

void mappings_mapped(struct recorder *r, enum site_function function,
                     const struct stack_start *caller, uintptr_t start, uintptr_t end,
                     bool reallocated)
{
    const int saved = errno;
    struct mapping_call call = {.reallocated = reallocated};
    if (describe_call(r, function, caller, &call)) {
        mappings_add(&r->mappings, &call, start, end, function == SITE_shmat);
    }
    errno = saved;
}

void mappings_unmappable(struct recorder *r, enum site_function function,
                         const struct stack_start *caller)
{
    const int saved = errno;
    struct mapping_call call = {0};
    if (describe_call(r, function, caller, &call)) {
        mappings_failed(&r->mappings, call.site);
    }
    errno = saved;
}
