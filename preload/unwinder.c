/* SPDX-License-Identifier: MIT */
#include "unwinder.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch.h"
#include "guard.h"
#include "objects.h"
#include "rebind.h"
#include "roomy.h"
#include "sys.h"
#include "unwinder_parts.h"

/* libunwind opens a pipe when it initialises itself, for probing addresses in its local form, which
 * is not used here. The host's descriptors are to stay as they were: find the two and close them.
 */
static void close_probe_pipe(const int free_before[2])
{
    struct stat a, b;
    if (free_before[0] >= 0 && free_before[1] >= 0 && fstat(free_before[0], &a) == 0 &&
        fstat(free_before[1], &b) == 0 && S_ISFIFO(a.st_mode) && S_ISFIFO(b.st_mode) &&
        a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
        close(free_before[0]);
        close(free_before[1]);
    }
}

/* The two lowest descriptors that are free. */
static void lowest_free(int fd[2])
{
    fd[0] = sys_open("/", O_PATH | O_CLOEXEC, 0);
    fd[1] = sys_open("/", O_PATH | O_CLOEXEC, 0);
    for (int i = 0; i < 2; i++) {
        if (fd[i] >= 0) {
            sys_close(fd[i]);
        }
    }
}

static bool resolve(struct unwinder *u, void *handle)
{
    struct {
        const char *name;
        void *to;
    } symbols[] = {
        {ARCH_UNW_PREFIX "init_remote", &u->init_remote},
        {ARCH_UNW_PREFIX "step", &u->remote.step},
        {ARCH_UNW_PREFIX "get_reg", &u->remote.get_reg},
        {ARCH_UNW_PREFIX "get_save_loc", &u->remote.get_save_loc},
        {ARCH_UNW_PREFIX "dwarf_search_unwind_table", &u->search},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *address = dlsym(handle, symbols[i].name);
        if (!address) {
            return false;
        }
        *(void **)symbols[i].to = address;
    }
    return true;
}

static void note_own(struct unwinder *u, size_t i, uintptr_t address)
{
    struct object object;
    if (object_find(address, &object)) {
        u->own[i].start = object.start;
        u->own[i].end = object.end;
    }
}

/* libunwind blocks all signals around each of its locks, with two system calls. Where that is done
 * already it is left out; elsewhere, and for a program that uses libunwind itself, it is as it was.
 */
static int mask_if_needed(int how, const sigset_t *set, sigset_t *before)
{
    if (guard_tls.masked) {
        if (before) {
            sigemptyset(before);
        }
        return 0;
    }
    return sigprocmask(how, set, before);
}

/* Leak checkers look for pointers in the data of libraries, not in mappings: what libunwind
 * allocated for us must be found from here. */
static __attribute__((used)) unw_addr_space_t reachable;

struct unwinder *unwinder_load(void *(*map)(size_t size), const char **why)
{
    struct unwinder *u = map(sizeof *u);
    *why = u ? "libunwind is too old or incomplete" : "there is no memory for libunwind";
    void *handle = u ? dlopen(ARCH_UNW_LIBRARY, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (u && !handle) {
        *why = "libunwind (Debian's package libunwind8) cannot be loaded";
    }
    if (!u || !handle || !resolve(u, handle)) {
        return NULL;
    }
    unw_addr_space_t (*create)(unw_accessors_t *, int) = NULL;
    int (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t) = NULL;
    *(void **)&create = dlsym(handle, ARCH_UNW_PREFIX "create_addr_space");
    *(void **)&set_caching_policy = dlsym(handle, ARCH_UNW_PREFIX "set_caching_policy");
    if (!create || !set_caching_policy) {
        return NULL;
    }
    int free_before[2];
    lowest_free(free_before);
    unwinder_access_start();
    u->space = create(&unwinder_accessors.known, 0);
    if (!u->space) {
        return NULL;
    }
    reachable = u->space;
    __asm__ volatile("" ::"m"(reachable));
    /* Rules are cached here, and modules come and go. */
    set_caching_policy(u->space, UNW_CACHE_NONE);
    note_own(u, 0, (uintptr_t)u->init_remote);
    note_own(u, 1, (uintptr_t)dlsym(RTLD_DEFAULT, "__tls_get_addr"));
    note_own(u, 2, (uintptr_t)dlsym(handle, "_U_dyn_cancel"));
    const struct rebind_hook hook = {"sigprocmask", (uintptr_t)&mask_if_needed, 0};
    for (size_t i = 0; i < sizeof u->own / sizeof u->own[0]; i += 2) { /* libunwind's two */
        if (u->own[i].start != 0) {
            rebind_module_of(u->own[i].start, &hook);
        }
    }
    unwinder_derive(u, (uintptr_t)&unwinder_load, false);
    close_probe_pipe(free_before);
    return u;
}

/* Reads off, from CURSOR, one step out of a frame that had the made-up registers, what the rule is.
 * Returns false if it is not a simple one. */
static bool read_rule(struct unwinder *u, unw_cursor_t *cursor, const struct unwinder_context *c,
                      struct rule *rule)
{
    unw_word_t cfa;
    unw_save_loc_t ip, bp;
    if (u->remote.get_reg(cursor, ARCH_UNW_SP, &cfa) < 0 ||
        u->remote.get_save_loc(cursor, UNW_REG_IP, &ip) < 0 ||
        u->remote.get_save_loc(cursor, ARCH_UNW_BP, &bp) < 0) {
        return false;
    }
    if (ip.type != UNW_SLT_MEMORY || (ARCH_RETURN_BELOW_CFA ? ip.u.addr != cfa - sizeof(unw_word_t)
                                                            : !unwinder_near(ip.u.addr, cfa))) {
        return false;
    }
    struct rule_parts parts = {0};
    if (unwinder_near(cfa, MADE_UP_SP)) {
        parts.kind = RULE_SP;
        parts.cfa = (int64_t)(cfa - MADE_UP_SP);
    } else if (unwinder_near(cfa, MADE_UP_BP)) {
        parts.kind = RULE_BP;
        parts.cfa = (int64_t)(cfa - MADE_UP_BP);
    } else if (unwinder_near(cfa, MADE_UP_LOAD)) {
        bool from_bp = unwinder_near(c->loaded, MADE_UP_BP);
        if (!from_bp && !unwinder_near(c->loaded, MADE_UP_SP)) {
            return false;
        }
        parts.kind = from_bp ? RULE_LOAD_BP : RULE_LOAD_SP;
        parts.load = (int64_t)(c->loaded - (from_bp ? MADE_UP_BP : MADE_UP_SP));
        parts.cfa = (int64_t)(cfa - MADE_UP_LOAD);
    } else {
        return false;
    }
    if (!ARCH_RETURN_BELOW_CFA) {
        if (parts.kind == RULE_LOAD_BP || parts.kind == RULE_LOAD_SP) {
            return false;
        }
        parts.load = (int64_t)(ip.u.addr - cfa);
    }
    if (bp.type == UNW_SLT_REG && bp.u.regnum == ARCH_UNW_BP) {
        parts.bp = RULE_BP_SAME;
    } else if (bp.type == UNW_SLT_MEMORY && unwinder_near(bp.u.addr, cfa)) {
        parts.bp = RULE_BP_AT_CFA;
        parts.bp_at = (int64_t)(bp.u.addr - cfa);
    } else if (bp.type == UNW_SLT_MEMORY && unwinder_near(bp.u.addr, MADE_UP_BP)) {
        parts.bp = RULE_BP_AT_BP;
        parts.bp_at = (int64_t)(bp.u.addr - MADE_UP_BP);
    } else {
        return false;
    }
    return rule_make(rule, &parts);
}

bool unwinder_has_table(struct unwinder *u, struct unwinder_context *c, uintptr_t ip)
{
    unw_proc_info_t info;
    return unwinder_accessors.known.find_proc_info(u->space, ip, &info, 0, c) >= 0;
}

struct derivation {
    struct unwinder *unwinder;
    uintptr_t ip;
    bool return_address;
    struct rule rule;
};

/* For code without a table: RULE_BARE if libunwind ends a walk there that finds a bp of 0, which is
 * what the dynamic loader runs constructors with. Not for code of no object, which may change. */
static struct rule derive_bare(struct unwinder *u, uintptr_t ip)
{
    struct unwinder_context c = {.search = u->search, .deriving = true};
    struct object object;
    unw_cursor_t cursor = UNWINDER_CURSOR;
    unwinder_set_reg(&c, ARCH_UNW_IP, ip);
    unwinder_set_reg(&c, ARCH_UNW_SP, MADE_UP_SP);
    unwinder_set_reg(&c, ARCH_UNW_BP, 0);
    const bool ends = ARCH_UNW_BARE_ENDS && object_find(ip, &object) &&
                      u->init_remote(&cursor, u->space, &c) >= 0 && u->remote.step(&cursor) == 0;
    return rule_plain(ends ? RULE_BARE : RULE_COMPLEX);
}

struct rule unwinder_derive_here(struct unwinder *u, uintptr_t ip, bool return_address)
{
    const struct rule complex = rule_plain(RULE_COMPLEX);
    if (object_is_signal_trampoline(ip)) {
        return rule_plain(RULE_SIGNAL);
    }
    struct unwinder_context c = {.search = u->search, .deriving = true};
    unwinder_set_reg(&c, ARCH_UNW_IP, return_address ? ip - 1 : ip);
    unwinder_set_reg(&c, ARCH_UNW_SP, MADE_UP_SP);
    unwinder_set_reg(&c, ARCH_UNW_BP, MADE_UP_BP);
    unw_cursor_t cursor = UNWINDER_CURSOR;
    if (!unwinder_may_have_table(c.reg[ARCH_UNW_IP])) {
        return derive_bare(u, c.reg[ARCH_UNW_IP]);
    }
    if (u->init_remote(&cursor, u->space, &c) < 0) {
        return complex;
    }
    c.loads = 0;
    int result = u->remote.step(&cursor);
    /* Without an entry libunwind guesses from what memory holds: nothing more to derive. */
    if (c.no_table) {
        return derive_bare(u, c.reg[ARCH_UNW_IP]);
    }
    if (result == 0) {
        return rule_plain(RULE_END);
    }
    struct rule rule;
    return result > 0 && read_rule(u, &cursor, &c, &rule) ? rule : complex;
}

static void derive_there(void *arg)
{
    struct derivation *d = arg;
    d->rule = unwinder_derive_here(d->unwinder, d->ip, d->return_address);
}

struct rule unwinder_derive(struct unwinder *u, uintptr_t ip, bool return_address)
{
    struct derivation d = {.unwinder = u, .ip = ip, .return_address = return_address};
    roomy_call(derive_there, &d);
    return d.rule;
}

bool unwinder_owns(const struct unwinder *u, uintptr_t address)
{
    for (size_t i = 0; i < sizeof u->own / sizeof u->own[0]; i++) {
        if (address - u->own[i].start < u->own[i].end - u->own[i].start) {
            return true;
        }
    }
    return false;
}
