/* SPDX-License-Identifier: MIT
 *
 * What becomes of recording when the program puts itself into a sandbox (seccomp). From then on no
 * call of ours is made that the sandbox does not allow: see sandbox.h. If it allows all that a dump
 * takes, everything goes on as before. If not, the last dump is the one written just before, and
 * recording goes on only where a launcher holds what is counted, without any system call; so it
 * does with signals. On the thread that enters.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "alternate.h"
#include "coverage.h"
#include "lifecycle.h"
#include "sandbox.h"
#include "signals.h"
#include "warden.h"

static _Atomic bool sandboxed, signals_gone;

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define DESCRIPTOR 999 /* of ours: none that a filter could know */

static const struct sandbox_call for_dumps[] = {
    {SYS_getpid, {0}},
    {SYS_rt_sigprocmask, {SIG_SETMASK, 0, 0, 8}},
    {SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {SYS_mmap,
     {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0}},
    {SYS_munmap, {0, 4096}},
    {SYS_newfstatat, {AT_FDCWD, 0, 0, AT_SYMLINK_NOFOLLOW}},
    {SYS_openat, {AT_FDCWD, 0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600}},
    {SYS_openat, {AT_FDCWD, 0, O_RDONLY | O_CLOEXEC}},
    {SYS_read, {DESCRIPTOR, 0, 4096}},
    {SYS_write, {DESCRIPTOR, 0, 4096}},
    {SYS_close, {DESCRIPTOR}},
    {SYS_renameat2, {AT_FDCWD, 0, AT_FDCWD}},
    {SYS_unlinkat, {AT_FDCWD}},
};

/* What fatal.c and alternate.c do, so that a signal ends the process as it would without us. */
static const struct sandbox_call for_signals[] = {
    {SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}},
    {SYS_rt_sigaction, {SIGSEGV, 0, 0, 8}},
    {SYS_rt_sigreturn, {0}},
    {SYS_rt_tgsigqueueinfo, {0, 0, SIGSEGV}},
    {SYS_tgkill, {0, 0, SIGSEGV}},
    {SYS_gettid, {0}},
    {SYS_sigaltstack, {0}},
    {SYS_timer_create, {CLOCK_MONOTONIC}},
    {SYS_timer_settime, {0}},
    {SYS_nanosleep, {0}},
};

bool lifecycle_is_sandboxed(void)
{
    return atomic_load(&sandboxed);
}

/* Whether somebody has what is counted in a sandbox: the launcher, but not the warden. */
static bool is_kept(const struct recorder *r)
{
    return r->vault.header && !r->vault.watched;
}

/* Not the sandbox of a child of vfork, which shares our memory and not our filters. */
static bool is_ours(const struct recorder *r)
{
    return recorder_on(r) && (atomic_load(r->alive) == 0 || sys_pid() == r->pid);
}

void lifecycle_enter_sandbox(struct lifecycle_sandbox *s, const void *program)
{
    *s = (struct lifecycle_sandbox){.ours = is_ours(&recorder)};
    if (!s->ours) {
        return;
    }
    warden_dismiss(&recorder);
    s->filter = sandbox_copy(program);
    s->dumps = s->filter && sandbox_allows(s->filter, for_dumps, LENGTH(for_dumps));
    s->signals = s->dumps && sandbox_allows(s->filter, for_signals, LENGTH(for_signals));
    coverage_note_sandbox(!s->dumps && !is_kept(&recorder));
    lifecycle_snapshot(); /* the program may fall foul of its own filter */
    if (!s->signals) {
        signals_give_back();
        alternate_pause();
    }
    if (!s->dumps) {
        vault_reserve(&recorder.vault);
    }
    sandbox_enter(s->filter);
}

void lifecycle_sandboxed(struct lifecycle_sandbox *s, bool entered)
{
    if (!s->ours) {
        return;
    }
    if (!entered) {
        sandbox_drop(s->filter);
        if (!lifecycle_is_sandboxed()) {
            coverage_note_sandbox(false);
        }
        if (!s->signals && !atomic_load(&signals_gone)) {
            signals_take_again();
            alternate_resume();
        }
        return;
    }
    if (!s->signals) {
        atomic_store(&signals_gone, true);
    }
    if (!s->dumps) {
        recorder.vault.shut = true;
        atomic_store(&sandboxed, true);
        if (!is_kept(&recorder)) {
            recorder_stop(&recorder); /* nobody will ever see it */
        }
    }
}
