/* SPDX-License-Identifier: MIT
 *
 * The program's side of the warden.
 */
#include "warden.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "arch.h"
#include "process.h"
#include "sandbox.h"
#include "text.h"
#include "warden_parts.h"

static struct {
    _Atomic int pid; /* 0: none; STARTING: a thread is about to start it */
    _Atomic int
        owner; /* whose child it is: not that of a child of fork, which has a copy of this */
    _Atomic bool dismissed, complained;
} warden;

#define STARTING (-1)

static char stack[(size_t)96 << 10] __attribute__((aligned(64)));

long warden_clone(void)
{
    return sys_call(SYS_clone, CLONE_UNTRACED, 0, 0, 0, 0, 0);
}

static void run(void *arg)
{
    struct recorder *r = arg;
    warden_run(r, r->pid);
}

static bool is_there(int self)
{
    return atomic_load(&warden.pid) != 0 && atomic_load(&warden.owner) == self;
}

static bool is_wanted(const struct recorder *r)
{
    return r->vault.watched && r->vault.header && !r->vault.shut && recorder_on(r) &&
           atomic_load(&r->vault.header->state) == VAULT_OPEN && process.arch &&
           !atomic_load(&warden.dismissed) && !is_there(r->pid) &&
           sys_pid() == r->pid; /* no child of vfork */
}

static void complain(const struct recorder *r, const char *why)
{
    if (r->options.verbose >= 2 && !atomic_exchange(&warden.complained, true)) {
        char message[160];
        struct text t = text_begin(message, sizeof message);
        text_string(&t, "snapshots are written in calls of the allocator alone: ");
        text_string(&t, why);
        say("MEMPROF_INTERVAL", message);
    }
}

void warden_start(struct recorder *r)
{
    if (!is_wanted(r)) {
        return;
    }
    if (atomic_load(&sandbox_on) || !warden_would_be_near()) {
        complain(r, "a process beside this one could not be as near");
        atomic_store(&warden.dismissed, true);
        return;
    }
    const sys_sigset before = sys_block_signals();
    int seen = atomic_load(&warden.pid); /* may be a parent's */
    if (seen == STARTING || is_there(r->pid) ||
        !atomic_compare_exchange_strong(&warden.pid, &seen, STARTING)) {
        sys_restore_signals(before);
        return;
    }
    atomic_store(&r->vault.header->stop, 0);
    atomic_store(&r->vault.header->writing, 0);
    const long pid = warden_clone();
    if (pid == 0) {
        arch_call_on_stack(run, r, stack + sizeof stack);
    }
    if (pid > 0) {
        atomic_store(&warden.owner, r->pid);
        atomic_store(&warden.pid, (int)pid);
    } else {
        atomic_store(&warden.dismissed, true);
        atomic_store(&warden.pid, 0);
    }
    sys_restore_signals(before);
    if (pid < 0) {
        complain(r, error_text((int)pid));
    }
}

/* Waits for about MS milliseconds for child PID to have ended, and reaps it. */
static bool reap(int pid, unsigned ms)
{
    const uint32_t longest = 2000000;
    uint64_t left = (uint64_t)ms * 1000000;
    for (uint32_t pause = 50000;; pause = pause < longest ? 2 * pause : longest) {
        const long result = sys_call(SYS_wait4, pid, 0, WNOHANG | __WALL, 0, 0, 0);
        if (result != 0 && result != -EINTR) {
            return true; /* or it is no child any more */
        }
        if (left < pause) {
            return false;
        }
        sys_sleep_ns(pause);
        left -= pause;
    }
}

#define ASK_MS 1000
#define KILL_MS 5000

/* A number is another process's once its own was reaped, by whomever: so that is tried first. */
void warden_kill(int pid)
{
    if (!reap(pid, 0)) {
        sys_call(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
        reap(pid, KILL_MS);
    }
}

void warden_stop(struct recorder *r)
{
    const int self = sys_pid();
    if (!is_there(self)) {
        return;
    }
    const sys_sigset before = sys_block_signals();
    int pid = atomic_load(&warden.pid);
    while (pid > 0 && !atomic_compare_exchange_weak(&warden.pid, &pid, 0)) {
    }
    if (pid > 0) {
        struct vault_header *h = r->vault.header;
        if (h) {
            atomic_store(&h->stop, 1);
        }
        if (h && atomic_load(&h->writing) && !reap(pid, 0)) {
            sys_call(SYS_kill, pid, SIGTERM, 0, 0, 0, 0);
            reap(pid, ASK_MS);
        }
        warden_kill(pid);
    }
    sys_restore_signals(before);
}

void warden_dismiss(struct recorder *r)
{
    if (recorder_on(r) && r->vault.watched && sys_pid() == r->pid) {
        atomic_store(&warden.dismissed, true);
        warden_stop(r);
    }
}
