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

#define NREGS 128

struct unwinder {
    unw_addr_space_t space;
    int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
    int (*get_save_loc)(unw_cursor_t *, int, unw_save_loc_t *);
    int (*search)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);
    int (*plain_backtrace)(void **, int);
    bool plain_tried;
    struct {
        uintptr_t start, end;
    } own[3];
};

/* What the callbacks answer from. */
struct context {
    struct unwinder *u;
    bool deriving;
    uintptr_t stack_start, stack_end; /* walking: words in here are read without a probe */
    uintptr_t loaded;                 /* deriving: the made-up stack word that was read, 0: none */
    unsigned loads;
    unw_word_t reg[NREGS];
    bool known[NREGS];
};

/* Made-up register values, far apart and far from any mapping, by which a derived address betrays
 * what it was computed from. */
#define MADE_UP_SP ((unw_word_t)0x4000000000000000)
#define MADE_UP_BP ((unw_word_t)0x5000000000000000)
#define MADE_UP_LOAD ((unw_word_t)0x6000000000000000)
#define MADE_UP_SPAN ((unw_word_t)0x0800000000000000)

static bool near(unw_word_t address, unw_word_t base)
{
    return address - (base - MADE_UP_SPAN) < 2 * MADE_UP_SPAN;
}

/* The table of unwind entries in OBJECT's .eh_frame_hdr (LSB, "Exception Frames"), as libunwind's
 * search wants it. Only the form that every linker writes is taken. */
static bool unwind_table(const struct object *object, unw_dyn_info_t *table)
{
    const uint8_t *header = object->eh_frame_hdr;
    if (!header || header[0] != 1 || header[1] != 0x1b || header[2] != 0x03 || header[3] != 0x3b) {
        return false;
    }
    uint32_t entries;
    memcpy(&entries, header + 8, sizeof entries);
    memset(table, 0, sizeof *table);
    table->format = UNW_INFO_FORMAT_REMOTE_TABLE;
    table->start_ip = object->start;
    table->end_ip = object->end;
    table->u.rti.segbase = (unw_word_t)header;
    table->u.rti.table_data = (unw_word_t)(header + 12);
    table->u.rti.table_len = (unw_word_t)entries * 8 / sizeof(unw_word_t);
    return true;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int need,
                          void *arg)
{
    struct context *c = arg;
    struct object object;
    unw_dyn_info_t table;
    if (!object_find(ip, &object) || !unwind_table(&object, &table)) {
        return -UNW_ENOINFO;
    }
    return c->u->search(space, ip, &table, info, need, arg);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *arg)
{
    (void)space, (void)info, (void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *list, void *arg)
{
    (void)space, (void)list, (void)arg;
    return -UNW_ENOINFO;
}

static bool readable(const struct context *c, unw_word_t address)
{
    if (address - c->stack_start < c->stack_end - c->stack_start - sizeof(unw_word_t)) {
        return true;
    }
    struct object object;
    return object_find(address, &object) ? address + sizeof(unw_word_t) <= object.end
                                         : sys_readable(address);
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
                      void *arg)
{
    (void)space;
    struct context *c = arg;
    if (write) {
        return -UNW_EREADONLYREG;
    }
    if (c->deriving &&
        (near(address, MADE_UP_SP) || near(address, MADE_UP_BP) || near(address, MADE_UP_LOAD))) {
        /* The first word read may be where the CFA comes from; later ones are the saved registers,
         * whose places get_save_loc tells. */
        if (c->loads++ == 0) {
            c->loaded = address;
        }
        *value = MADE_UP_LOAD;
        return 0;
    }
    if (!readable(c, address)) {
        return -UNW_EINVAL;
    }
    *value = *(const unw_word_t *)address;
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t reg, unw_word_t *value, int write,
                      void *arg)
{
    (void)space;
    struct context *c = arg;
    if (write || reg < 0 || reg >= NREGS || !c->known[reg]) {
        return -UNW_EBADREG;
    }
    *value = c->reg[reg];
    return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t reg, unw_fpreg_t *value, int write,
                        void *arg)
{
    (void)space, (void)reg, (void)value, (void)write, (void)arg;
    return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
    (void)space, (void)cursor, (void)arg;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t ip, char *name, size_t size,
                         unw_word_t *offset, void *arg)
{
    (void)space, (void)ip, (void)name, (void)size, (void)offset, (void)arg;
    return -UNW_ENOINFO;
}

static unw_accessors_t accessors = {
    .find_proc_info = find_proc_info,
    .put_unwind_info = put_unwind_info,
    .get_dyn_info_list_addr = get_dyn_info_list_addr,
    .access_mem = access_mem,
    .access_reg = access_reg,
    .access_fpreg = access_fpreg,
    .resume = resume,
    .get_proc_name = get_proc_name,
};

static void set_reg(struct context *c, int reg, unw_word_t value)
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
    u->space = create(&accessors, 0);
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
static bool read_rule(struct unwinder *u, unw_cursor_t *cursor, const struct context *c,
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
    int64_t offset, load = 0;
    if (near(cfa, MADE_UP_SP)) {
        rule->kind = RULE_SP;
        offset = (int64_t)(cfa - MADE_UP_SP);
    } else if (near(cfa, MADE_UP_BP)) {
        rule->kind = RULE_BP;
        offset = (int64_t)(cfa - MADE_UP_BP);
    } else if (near(cfa, MADE_UP_LOAD)) {
        bool from_bp = near(c->loaded, MADE_UP_BP);
        if (!from_bp && !near(c->loaded, MADE_UP_SP)) {
            return false;
        }
        rule->kind = from_bp ? RULE_LOAD_BP : RULE_LOAD_SP;
        load = (int64_t)(c->loaded - (from_bp ? MADE_UP_BP : MADE_UP_SP));
        offset = (int64_t)(cfa - MADE_UP_LOAD);
    } else {
        return false;
    }
    int64_t bp_offset = 0;
    if (bp.type == UNW_SLT_REG && bp.u.regnum == REG_BP) {
        rule->bp = RULE_BP_SAME;
    } else if (bp.type == UNW_SLT_MEMORY && near(bp.u.addr, cfa)) {
        rule->bp = RULE_BP_AT_CFA;
        bp_offset = (int64_t)(bp.u.addr - cfa);
    } else if (bp.type == UNW_SLT_MEMORY && near(bp.u.addr, MADE_UP_BP)) {
        rule->bp = RULE_BP_AT_BP;
        bp_offset = (int64_t)(bp.u.addr - MADE_UP_BP);
    } else {
        return false;
    }
    rule->cfa_offset = (int32_t)offset;
    rule->load_offset = (int16_t)load;
    rule->bp_offset = (int32_t)bp_offset;
    return rule->cfa_offset == offset && rule->load_offset == load && rule->bp_offset == bp_offset;
}

struct rule unwinder_derive(struct unwinder *u, uintptr_t ip, bool return_address)
{
    struct rule complex = {.kind = RULE_COMPLEX};
    if (object_is_signal_trampoline(ip)) {
        return (struct rule){.kind = RULE_SIGNAL};
    }
    struct context c = {.u = u, .deriving = true};
    set_reg(&c, REG_IP, return_address ? ip - 1 : ip);
    set_reg(&c, REG_SP, MADE_UP_SP);
    set_reg(&c, REG_BP, MADE_UP_BP);
    unw_cursor_t cursor;
    unw_proc_info_t info;
    /* Without unwind tables libunwind guesses from what memory holds: nothing to derive. */
    if (find_proc_info(u->space, c.reg[REG_IP], &info, 0, &c) < 0 ||
        u->init_remote(&cursor, u->space, &c) < 0) {
        return complex;
    }
    c.loads = 0;
    int result = u->step(&cursor);
    if (result == 0) {
        return (struct rule){.kind = RULE_END};
    }
    struct rule rule = {0};
    return result > 0 && read_rule(u, &cursor, &c, &rule) ? rule : complex;
}

/* Where libunwind's own walk starts: in this very function, with the registers it has. */
__attribute__((noinline)) size_t unwinder_walk(struct unwinder *u, uintptr_t start_cfa,
                                               uintptr_t stack_end, uintptr_t *ip, size_t max)
{
    struct context c = {.u = u, .stack_end = stack_end};
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
