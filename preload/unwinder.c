/* SPDX-License-Identifier: MIT */
#include "unwinder.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <libunwind.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch.h"
#include "objects.h"
#include "sys.h"
#include "unwinder_access.h"

/* One of the two forms that libunwind's functions come in. */
struct form {
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
    int (*get_save_loc)(unw_cursor_t *, int, unw_save_loc_t *);
};

struct unwinder {
    unw_addr_space_t space;
    int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
    struct form remote;
    unwinder_search *search;
    int (*plain_backtrace)(void **, int); /* the local form: unw_backtrace, or what it is made of */
    int (*plain_init)(unw_cursor_t *, unw_context_t *);
    struct form plain;
    bool plain_tried;
    bool unreadable; /* met tables that this libunwind cannot read */
    struct {
        uintptr_t start, end;
    } own[3];
};

static void set_reg(struct unwinder_context *c, int reg, unw_word_t value)
{
    c->reg[reg] = value;
    c->known[reg] = true;
}

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

/* Whether there is an entry for IP in the unwind tables. */
static bool has_table(struct unwinder *u, struct unwinder_context *c, uintptr_t ip)
{
    unw_proc_info_t info;
    return unwinder_accessors.known.find_proc_info(u->space, ip, &info, 0, c) >= 0;
}

struct rule unwinder_derive(struct unwinder *u, uintptr_t ip, bool return_address)
{
    const struct rule complex = rule_plain(RULE_COMPLEX);
    if (object_is_signal_trampoline(ip)) {
        return rule_plain(RULE_SIGNAL);
    }
    struct unwinder_context c = {.search = u->search, .deriving = true};
    set_reg(&c, ARCH_UNW_IP, return_address ? ip - 1 : ip);
    set_reg(&c, ARCH_UNW_SP, MADE_UP_SP);
    set_reg(&c, ARCH_UNW_BP, MADE_UP_BP);
    unw_cursor_t cursor;
    /* Without unwind tables libunwind guesses from what memory holds: nothing to derive. */
    if (!has_table(u, &c, c.reg[ARCH_UNW_IP]) || u->init_remote(&cursor, u->space, &c) < 0) {
        return complex;
    }
    c.loads = 0;
    int result = u->remote.step(&cursor);
    if (result == 0) {
        return rule_plain(RULE_END);
    }
    struct rule rule;
    return result > 0 && read_rule(u, &cursor, &c, &rule) ? rule : complex;
}

/* More frames than there are of ours between a hook and a walk: garbage may lead around. */
#define OWN_FRAMES 64

/* Where a walk is. */
struct place {
    unw_word_t cfa, ip;
    enum { PLACE_INSIDE, PLACE_OUTERMOST, PLACE_STUCK } kind;
};

/* The frame that libunwind has just stepped to, but left out. */
static bool left_out(const struct form *form, unw_cursor_t *cursor, struct place *at)
{
    unw_word_t bp;
    unw_save_loc_t ip;
    if (!ARCH_UNW_ENDS_AT_ZERO || form->get_reg(cursor, ARCH_UNW_BP, &bp) < 0 || bp != 0 ||
        form->get_reg(cursor, ARCH_UNW_SP, &at->cfa) < 0 ||
        form->get_save_loc(cursor, UNW_REG_IP, &ip) < 0 || ip.type != UNW_SLT_MEMORY) {
        return false;
    }
    at->ip = *(const unw_word_t *)ip.u.addr; /* libunwind has read it */
    at->kind = PLACE_OUTERMOST;
    return true;
}

/* One step outward. Returns false at the end. */
static bool step_out(const struct form *form, unw_cursor_t *cursor, struct place *at)
{
    const struct place before = *at;
    if (at->kind != PLACE_INSIDE) {
        return false;
    }
    if (form->step(cursor) <= 0) {
        if (!left_out(form, cursor, at)) {
            return false;
        }
    } else if (form->get_reg(cursor, ARCH_UNW_SP, &at->cfa) < 0 ||
               form->get_reg(cursor, UNW_REG_IP, &at->ip) < 0) {
        return false;
    }
    at->ip = arch_return_address(at->ip);
    /* On aarch64 libunwind takes what x30 holds for the caller where it has no table for a frame,
     * or one it cannot read; in all but the innermost frame it is there already. Before version 1.7
     * it cannot read those of code that signs return addresses. */
    if (at->cfa == before.cfa && at->ip == before.ip) {
        at->kind = PLACE_STUCK;
        return false;
    }
    return true;
}

/* Where libunwind's own walk starts: in this very function, with the registers it has. */
__attribute__((noinline)) size_t unwinder_walk(struct unwinder *u, uintptr_t start_cfa,
                                               uintptr_t stack_end, uintptr_t *ip, size_t max,
                                               bool *cut)
{
    struct unwinder_context c = {.search = u->search, .stack_end = stack_end};
    static const int number[ARCH_REGISTERS] = ARCH_UNW_REGISTERS;
    uint64_t value[ARCH_REGISTERS] = {0};
    arch_registers(value);
    for (size_t i = 0; i < ARCH_REGISTERS; i++) {
        set_reg(&c, number[i], value[i]);
    }
    c.stack_start = c.reg[ARCH_UNW_SP];
    unw_cursor_t cursor;
    if (u->init_remote(&cursor, u->space, &c) < 0) {
        return 0;
    }
    struct place at = {0};
    bool recording = false;
    size_t n = 0;
    for (int own = 0; n <= max && own < OWN_FRAMES && step_out(&u->remote, &cursor, &at);) {
        recording = recording || at.cfa == start_cfa;
        if (recording) {
            ip[n++] = at.ip;
        } else {
            own++;
        }
    }
    *cut = at.kind == PLACE_STUCK && has_table(u, &c, at.ip - 1);
    u->unreadable = u->unreadable || (ARCH_SIGNS_RETURNS && (*cut || n == 0));
    return n;
}

#if ARCH_UNW_BACKTRACE
static size_t plain_walk(struct unwinder *u, void **ip, size_t max)
{
    int n = u->plain_backtrace ? u->plain_backtrace(ip, (int)max) : 0;
    return n > 0 ? (size_t)n : 0;
}

static void load_plain(struct unwinder *u, void *handle)
{
    *(void **)&u->plain_backtrace = dlsym(handle, "unw_backtrace");
}
#else
static size_t plain_walk(struct unwinder *u, void **ip, size_t max)
{
    unw_context_t context;
    unw_cursor_t cursor;
    struct place at = {0};
    size_t n = 0;
    unw_getcontext(&context);
    if (!u->plain_init || u->plain_init(&cursor, &context) < 0) {
        return 0;
    }
    while (n < max && step_out(&u->plain, &cursor, &at)) {
        ip[n++] = (void *)at.ip;
    }
    return n;
}

static void load_plain(struct unwinder *u, void *handle)
{
    *(void **)&u->plain.step = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "step");
    *(void **)&u->plain.get_reg = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "get_reg");
    *(void **)&u->plain.get_save_loc = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "get_save_loc");
    if (u->plain.step && u->plain.get_reg && u->plain.get_save_loc) {
        *(void **)&u->plain_init = dlsym(handle, ARCH_UNW_LOCAL_PREFIX "init_local");
    }
}
#endif

size_t unwinder_plain_walk(struct unwinder *u, void **ip, size_t max)
{
    if (!u->plain_tried) {
        u->plain_tried = true;
        void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
        if (handle) {
            load_plain(u, handle);
        }
    }
    /* The local form of libunwind 1.6 follows garbage there. */
    return u->unreadable ? 0 : plain_walk(u, ip, max);
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
