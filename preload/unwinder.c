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

#include "objects.h"
#include "sys.h"
#include "unwinder_access.h"

#if defined(__x86_64__)
#define LIBRARY "libunwind-x86_64.so.8"
#define PREFIX "_Ux86_64_"
#define REG_IP UNW_X86_64_RIP
#define REG_SP UNW_X86_64_RSP
#define REG_BP UNW_X86_64_RBP
#else
#define LIBRARY "libunwind-aarch64.so.8"
#define PREFIX "_Uaarch64_"
#define REG_IP UNW_AARCH64_PC
#define REG_SP UNW_AARCH64_SP
#define REG_BP UNW_AARCH64_X29
#endif

struct unwinder {
    unw_addr_space_t space;
    int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
    int (*get_save_loc)(unw_cursor_t *, int, unw_save_loc_t *);
    unwinder_search *search;
    int (*plain_backtrace)(void **, int);
    bool plain_tried;
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
        {PREFIX "init_remote", &u->init_remote},
        {PREFIX "step", &u->step},
        {PREFIX "get_reg", &u->get_reg},
        {PREFIX "get_save_loc", &u->get_save_loc},
        {PREFIX "dwarf_search_unwind_table", &u->search},
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
    void *handle = u ? dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (u && !handle) {
        *why = "libunwind (Debian's package libunwind8) cannot be loaded";
    }
    if (!u || !handle || !resolve(u, handle)) {
        return NULL;
    }
    unw_addr_space_t (*create)(unw_accessors_t *, int) = NULL;
    int (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t) = NULL;
    *(void **)&create = dlsym(handle, PREFIX "create_addr_space");
    *(void **)&set_caching_policy = dlsym(handle, PREFIX "set_caching_policy");
    if (!create || !set_caching_policy) {
        return NULL;
    }
    int free_before[2];
    lowest_free(free_before);
    u->space = create(&unwinder_accessors, 0);
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
    if (u->get_reg(cursor, REG_SP, &cfa) < 0 || u->get_save_loc(cursor, REG_IP, &ip) < 0 ||
        u->get_save_loc(cursor, REG_BP, &bp) < 0) {
        return false;
    }
    if (ip.type != UNW_SLT_MEMORY || ip.u.addr != cfa - sizeof(unw_word_t)) {
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
    if (bp.type == UNW_SLT_REG && bp.u.regnum == REG_BP) {
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

struct rule unwinder_derive(struct unwinder *u, uintptr_t ip, bool return_address)
{
    const struct rule complex = rule_plain(RULE_COMPLEX);
    if (object_is_signal_trampoline(ip)) {
        return rule_plain(RULE_SIGNAL);
    }
    struct unwinder_context c = {.search = u->search, .deriving = true};
    set_reg(&c, REG_IP, return_address ? ip - 1 : ip);
    set_reg(&c, REG_SP, MADE_UP_SP);
    set_reg(&c, REG_BP, MADE_UP_BP);
    unw_cursor_t cursor;
    unw_proc_info_t info;
    /* Without unwind tables libunwind guesses from what memory holds: nothing to derive. */
    if (unwinder_accessors.find_proc_info(u->space, c.reg[REG_IP], &info, 0, &c) < 0 ||
        u->init_remote(&cursor, u->space, &c) < 0) {
        return complex;
    }
    c.loads = 0;
    int result = u->step(&cursor);
    if (result == 0) {
        return rule_plain(RULE_END);
    }
    struct rule rule;
    return result > 0 && read_rule(u, &cursor, &c, &rule) ? rule : complex;
}

/* Where libunwind's own walk starts: in this very function, with the registers it has. */
__attribute__((noinline)) size_t unwinder_walk(struct unwinder *u, uintptr_t start_cfa,
                                               uintptr_t stack_end, uintptr_t *ip, size_t max)
{
    struct unwinder_context c = {.search = u->search, .stack_end = stack_end};
#if defined(__x86_64__)
    unw_word_t here, sp, bp, rbx, r12, r13, r14, r15;
    __asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2\n\tmov %%rbx, %3"
                     : "=&r"(here), "=&r"(sp), "=&r"(bp), "=&r"(rbx));
    __asm__ volatile("mov %%r12, %0\n\tmov %%r13, %1\n\tmov %%r14, %2\n\tmov %%r15, %3"
                     : "=m"(r12), "=m"(r13), "=m"(r14), "=m"(r15));
    set_reg(&c, UNW_X86_64_RBX, rbx);
    set_reg(&c, UNW_X86_64_R12, r12);
    set_reg(&c, UNW_X86_64_R13, r13);
    set_reg(&c, UNW_X86_64_R14, r14);
    set_reg(&c, UNW_X86_64_R15, r15);
#else
    unw_word_t here, sp, bp;
    __asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29" : "=&r"(here), "=&r"(sp), "=&r"(bp));
#endif
    set_reg(&c, REG_IP, here);
    set_reg(&c, REG_SP, sp);
    set_reg(&c, REG_BP, bp);
    c.stack_start = sp;
    unw_cursor_t cursor;
    if (u->init_remote(&cursor, u->space, &c) < 0) {
        return 0;
    }
    bool recording = false;
    size_t n = 0;
    while (n <= max && u->step(&cursor) > 0) {
        unw_word_t cfa, address;
        if (u->get_reg(&cursor, REG_SP, &cfa) < 0 || u->get_reg(&cursor, REG_IP, &address) < 0) {
            break;
        }
        recording = recording || cfa == start_cfa;
        if (recording) {
            ip[n++] = address;
        }
    }
    return n;
}

size_t unwinder_plain_walk(struct unwinder *u, void **ip, size_t max)
{
    if (!u->plain_tried) {
        u->plain_tried = true;
        void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
        if (handle) {
            *(void **)&u->plain_backtrace = dlsym(handle, "unw_backtrace");
        }
    }
    int n = u->plain_backtrace ? u->plain_backtrace(ip, (int)max) : 0;
    return n > 0 ? (size_t)n : 0;
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
