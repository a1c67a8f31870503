/* SPDX-License-Identifier: MIT
 *
 * The warden's own process: what it waits for, and what it does then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "changes.h"
#include "warden_parts.h"

/* Until it is looked whether the program is the same. */
#define MOST_WAIT_NS ((uint64_t)1000000000)
/* For so long nothing is to happen before a snapshot, or for an eighth of a shorter interval. */
#define STILL_NS ((uint64_t)50000000)
/* So many are closed where close_range(2) is not there. */
#define DESCRIPTORS 65536

struct warden {
    struct recorder *r;
    int program, program_fd, signal_fd;
    uint64_t rights, interval, still;
    struct warden_handover *handover;
};

enum woken { BY_TIME, BY_STOP, BY_END, BY_OTHER };

_Noreturn static void leave(void)
{
    for (;;) {
        sys_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    }
}

static uint64_t elapsed(const struct warden *w)
{
    return clock_elapsed_ns(&w->r->clock);
}

/* Whether SIGTERM came from the program, who wants the warden to end. */
static bool is_stopped(const struct warden *w)
{
    char info[128]; /* struct signalfd_siginfo */
    sys_read(w->signal_fd, info, sizeof info);
    return atomic_load(&w->r->vault.header->stop) != 0;
}

/* Waits until elapsed_ns is UNTIL, the program ends or wants the warden to, or OTHER, if it is no
 * negative descriptor, can be read. */
static enum woken await(const struct warden *w, int other, uint64_t until)
{
    for (;;) {
        struct pollfd fd[3] = {{.fd = w->program_fd, .events = POLLIN},
                               {.fd = w->signal_fd, .events = POLLIN},
                               {.fd = other, .events = POLLIN}};
        const uint64_t now = elapsed(w), left = until > now ? until - now : 0;
        const struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000),
                                         .tv_nsec = (long)(left % 1000000000)};
        const long n = sys_call(SYS_ppoll, (long)fd, 3, (long)&timeout, 0, 8, 0);
        if (n < 0 && n != -EINTR) {
            leave();
        }
        if (n > 0 && fd[1].revents && is_stopped(w)) {
            return BY_STOP;
        }
        if (n > 0 && fd[0].revents) {
            return BY_END;
        }
        if (n > 0 && fd[2].revents) {
            return BY_OTHER;
        }
        if (n == 0 && elapsed(w) >= until) {
            return BY_TIME;
        }
    }
}

/* Has a process write a dump as ORDER tells. Returns BY_OTHER when it is done. Interrupted by what
 * else may happen, if the order is not the last one. */
static enum woken have_written(const struct warden *w, const struct warden_order *order)
{
    struct warden_handover *h = w->handover;
    h->written = false;
    h->file.temporary[0] = '\0';
    const long pid = warden_clone();
    if (pid == 0) {
        warden_write(w->r, order, h);
    }
    if (pid < 0) {
        return BY_OTHER;
    }
    enum woken woken = BY_OTHER;
    const int fd = order->place ? -1 : (int)sys_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
    if (fd >= 0) {
        woken = await(w, fd, UINT64_MAX);
        sys_close(fd);
    }
    if (woken != BY_OTHER) {
        warden_kill((int)pid);
    } else {
        while (sys_call(SYS_wait4, pid, 0, __WALL, 0, 0, 0) == -EINTR) {
        }
    }
    return woken;
}

static void remove_written(const struct warden *w)
{
    if (w->handover->file.temporary[0]) {
        outfile_place(&w->handover->file, -ECANCELED, false);
    }
}

/* The program has ended, or has been replaced by another, in its process. */
_Noreturn static void finish(const struct warden *w, bool replaced)
{
    struct vault *v = &w->r->vault;
    const struct warden_order order = {.reason = "recovered", .replaced = replaced, .place = true};
    if (atomic_load(&v->header->state) == VAULT_OPEN && vault_follow(v)) {
        have_written(w, &order);
        if (!w->handover->written) {
            remove_written(w);
        }
    }
    leave();
}

static void act_on(const struct warden *w, enum woken woken)
{
    if (woken == BY_STOP) {
        leave();
    }
    if (woken == BY_END) {
        finish(w, false);
    }
}

static void wait_until(const struct warden *w, uint64_t until)
{
    act_on(w, await(w, -1, until));
}

struct search {
    uintptr_t address;
    bool missed;
};

static bool is_it(const struct warden_area *area, void *arg)
{
    struct search *s = arg;
    const bool found = s->address - area->start < area->end - area->start &&
                       strncmp(area->name, "/memfd:memprof", strlen("/memfd:memprof")) == 0;
    s->missed = !found && area->end > s->address; /* of a process that ends the list is cut off */
    return !found && !s->missed;
}

/* Ends the warden if the program is not what it was: other rights, or another program. */
static void check_program(const struct warden *w)
{
    const struct vault_header *h = w->r->vault.header;
    struct search s = {.address = (uintptr_t)h};
    warden_areas(w->program, is_it, &s);
    const uint64_t rights = warden_rights(w->program);
    wait_until(w, 0); /* of one that has ended meanwhile none of this is true */
    if (rights != w->rights || atomic_load(&h->state) != VAULT_OPEN) {
        leave();
    }
    if (s.missed) {
        finish(w, true);
    }
}

/* The file is whole: it becomes the snapshot, if SUM is still what the program has counted, and it
 * has not taken a turn since TURN. */
static void place(const struct warden *w, uint64_t sum, uint32_t turn)
{
    struct recorder *r = w->r;
    if (changes_sum(r, &r->vault) != sum || !vault_begin_place(&r->vault, turn)) {
        remove_written(w);
        return;
    }
    if (outfile_place(&w->handover->file, 0, false) == 0) {
        atomic_store(&r->vault.header->told, sum);
        atomic_fetch_add(&r->dump_sequence, 1);
    }
    vault_end_place(&r->vault);
    atomic_store(&r->next_dump_ns, elapsed(w) + w->interval);
}

/* The program counts to SUM, and has done nothing for a while. */
static void snapshot(const struct warden *w, uint64_t sum)
{
    struct vault_header *h = w->r->vault.header;
    const uint32_t turn = vault_turn(&w->r->vault);
    if (turn % 2) {
        return; /* the program is writing one */
    }
    const struct warden_order order = {.reason = "interval"};
    /* The program sees that, or this that it wants the warden to end. */
    atomic_store(&h->writing, 1);
    const enum woken woken = atomic_load(&h->stop) ? BY_STOP : have_written(w, &order);
    if (woken == BY_OTHER && w->handover->written) {
        place(w, sum, turn);
    } else {
        remove_written(w);
        act_on(w, woken);
        atomic_store(&w->r->next_dump_ns, elapsed(w) + w->interval);
    }
    atomic_store(&h->writing, 0);
}

/* What has been counted so far; also of what was mapped since. */
static uint64_t look(const struct warden *w)
{
    struct vault *v = &w->r->vault;
    if (!vault_follow(v)) {
        leave();
    }
    return changes_sum(w->r, v);
}

/* One time round: a snapshot if one is due and nobody else writes it. */
static void go_on(const struct warden *w)
{
    struct recorder *r = w->r;
    const uint64_t due = atomic_load(&r->next_dump_ns), now = elapsed(w);
    if (due > now + w->still) {
        const uint64_t first = due - w->still;
        wait_until(w, first - now < MOST_WAIT_NS ? first : now + MOST_WAIT_NS);
        check_program(w);
        return; /* meanwhile the program may have written one itself */
    }
    const uint64_t sum = look(w);
    if (sum != 0 && sum == atomic_load(&r->vault.header->told)) {
        atomic_store(&r->next_dump_ns, elapsed(w) + w->interval); /* nothing new to tell */
        return;
    }
    wait_until(w, now + w->still);
    if (sum != 0 && look(w) == sum && atomic_load(&r->next_dump_ns) == due) {
        snapshot(w, sum);
    } /* else the program writes it, in the call in which it is due */
}

/* Closes what the program has open, and opens what the warden needs. The standard descriptors are
 * taken by what cannot be written to. */
static bool open_own(struct warden *w)
{
    const sys_sigset stop = (sys_sigset)1 << (SIGTERM - 1);
    if (sys_call(SYS_close_range, 0, ~0U, 0, 0, 0, 0) != 0) {
        for (int fd = 0; fd < DESCRIPTORS; fd++) {
            sys_close(fd);
        }
    }
    w->program_fd = (int)sys_call(SYS_pidfd_open, w->program, 0, 0, 0, 0, 0);
    w->signal_fd = (int)sys_call(SYS_signalfd4, -1, (long)&stop, 8, O_CLOEXEC, 0, 0);
    for (int fd = w->signal_fd; fd >= 0 && fd < 2;) {
        fd = (int)sys_call(SYS_fcntl, w->program_fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
    }
    return w->program_fd >= 0 && w->signal_fd >= 0;
}

static void stand_apart(void)
{
    const struct rlimit none = {0};
    sys_call(SYS_setsid, 0, 0, 0, 0, 0, 0);
    sys_call(SYS_chdir, (long)"/", 0, 0, 0, 0, 0);
    sys_call(SYS_prlimit64, 0, RLIMIT_CORE, (long)&none, 0, 0, 0);
    sys_call(SYS_prctl, PR_SET_NAME, (long)"memprof-warden", 0, 0, 0, 0);
}

/* Where the hand-over is mapped: in our own memory, as any other address may be one at which the
 * program's counters come to lie later. */
#define PAGE ((size_t)4096)
static char handover[(sizeof(struct warden_handover) + PAGE - 1) & ~(PAGE - 1)]
    __attribute__((aligned(PAGE)));

_Noreturn void warden_run(struct recorder *r, int pid)
{
    static struct warden w;
    w = (struct warden){.r = r, .program = pid, .interval = r->options.interval_ns};
    w.still = w.interval / 8 < STILL_NS ? w.interval / 8 : STILL_NS;
    stand_apart();
    const bool good = open_own(&w);
    warden_shed((uintptr_t)&good);
    w.rights = warden_rights(0); /* the same as the program's, which may be gone */
    const long shared = sys_call(SYS_mmap, (long)handover, sizeof handover, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    w.handover = (struct warden_handover *)shared; /* NOLINT(performance-no-int-to-ptr) */
    if (w.rights == 0 || (shared < 0 && shared > -4096)) {
        leave();
    }
    if (sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != pid) {
        finish(&w, false);
    }
    if (!good) {
        leave();
    }
    for (;;) {
        go_on(&w);
    }
}
