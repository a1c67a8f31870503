/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <string.h>

#include "arch.h"
#include "changes.h"
#include "guard.h"
#include "process.h"
#include "recorder.h"

/* Process and thread of who is writing a dump, 0 for nobody. What a child of fork finds here of its
 * parent's threads does not count. */
static _Atomic uint64_t writer;
static _Atomic int ended_pid; /* the process that wrote its last dump, or does */

bool writer_take(unsigned wait_ms, sys_sigset *before)
{
    const uint64_t process_part = (uint64_t)sys_pid() << 32;
    const uint64_t self = process_part | (uint32_t)sys_tid();
    *before = sys_block_signals();
    for (uint64_t holder = 0; !atomic_compare_exchange_strong(&writer, &holder, self);) {
        if (holder >> 32 != process_part >> 32) {
            continue; /* left over: taken over by the next try */
        }
        sys_restore_signals(*before);
        if (holder == self || wait_ms-- == 0) {
            return false;
        }
        sys_sleep_ns(1000000);
        sys_block_signals();
        holder = 0;
    }
    return true;
}

void writer_leave(sys_sigset before)
{
    atomic_store(&writer, 0);
    sys_restore_signals(before);
}

bool writer_had_last(void)
{
    return atomic_load(&ended_pid) == recorder.pid;
}

bool writer_begin_last(void)
{
    return atomic_exchange(&ended_pid, recorder.pid) != recorder.pid;
}

int writer_write_here(const struct dump_request *request)
{
    if (!process.arch) {
        process_describe(NULL); /* the program ends before our constructor was run */
    }
    struct recorder *r = &recorder;
    const bool only = vault_take_turn(&r->vault);
    const bool telling = r->vault.watched && r->vault.header;
    /* 0 where the warden may be putting an older dump in the place of this one, very slowly: it is
     * to write another. */
    const uint64_t sum = telling && only ? changes_sum(r, NULL) : 0;
    const int result = dump_write(r, request);
    vault_end_turn(&r->vault);
    if (telling && result == 0 && !request->pattern && !request->replaced) {
        atomic_store(&r->vault.header->told, sum);
    }
    return result;
}

/* What dump_write needs of stack is more than some threads have. For who has the writer. */
static char stack[(size_t)64 << 10] __attribute__((aligned(64)));

struct call {
    const struct dump_request *request;
    int result;
};

static void write_there(void *arg)
{
    struct call *call = arg;
    call->result = writer_write_here(call->request);
}

int writer_write(const struct dump_request *request)
{
    const uintptr_t frame = guard_tls.frame;
    guard_tls.frame = UINTPTR_MAX; /* addresses there say nothing of who called whom */
    struct call call = {.request = request, .result = -1};
    arch_call_on_stack(write_there, &call, stack + sizeof stack);
    guard_tls.frame = frame;
    return call.result;
}

int writer_dump(const struct dump_request *request, unsigned wait_ms)
{
    sys_sigset before;
    if (!writer_take(wait_ms, &before)) {
        return -1;
    }
    const bool late = writer_had_last() && strcmp(request->reason, "interval") == 0;
    const int result = late ? -1 : writer_write(request);
    writer_leave(before);
    return result;
}
