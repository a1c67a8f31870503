/* SPDX-License-Identifier: MIT
 *
 * The card in the vault (vault_card.h), filled in from the recorder and from `process`.
 */
#include <string.h>
#include <sys/syscall.h>

#include "process.h"
#include "recorder.h"
#include "text.h"

static void copy_text(char *to, size_t size, const char *from)
{
    struct text t = text_begin(to, size);
    text_string(&t, from ? from : "");
}

static void copy_argv(struct vault_card *c)
{
    size_t used = 0;
    uint32_t n = 0;
    for (const char *const *arg = process.argv; arg && *arg; arg++) {
        size_t size = strlen(*arg) + 1;
        if (size > sizeof c->argv - used) {
            break;
        }
        memcpy(c->argv + used, *arg, size);
        used += size;
        n++;
    }
    c->argc = n;
}

static void describe(struct vault_card *c)
{
    c->process = process;
    copy_text(c->arch, sizeof c->arch, process.arch);
    copy_argv(c);
    atomic_store_explicit(&c->described, 1, memory_order_release);
}

void recorder_card_write(struct recorder *r, bool described)
{
    if (!r->vault.header) {
        return;
    }
    struct vault_card *c = &r->vault.header->card;
    c->options = r->options;
    memcpy(c->out, r->out, sizeof c->out);
    memcpy(c->exe, r->exe, sizeof c->exe);
    c->ppid = (uint64_t)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
    atomic_store(&c->sampled, r->sampler.on);
    copy_text(c->unwind_trouble, sizeof c->unwind_trouble, r->unwind_trouble);
    recorder_card_sampling(r);
    if (described) {
        describe(c);
    }
    atomic_store_explicit(&c->begun, 1, memory_order_release);
}

void recorder_card_sampling(struct recorder *r)
{
    if (!r->vault.header || !r->sampler.on) {
        return;
    }
    struct vault_card *c = &r->vault.header->card;
    const uint32_t next = atomic_load(&c->sampling_valid) == 0;
    c->sampling[next].mean = atomic_load(&r->sampler.mean);
    c->sampling[next].budget = r->sampler.budget;
    atomic_store_explicit(&c->sampling_valid, next, memory_order_release);
}

void recorder_card_passed(struct thread *t)
{
    const struct sampler_meter *m = t->meter;
    t->passed.allocs = counter_get(&m->allocs);
    t->passed.bytes = counter_get(&m->position) - t->passed.allocs;
    t->passed.frees = counter_get(&m->frees);
    t->passed.recorded = counter_get(&m->recorded);
}
