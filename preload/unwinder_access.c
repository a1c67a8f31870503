/* SPDX-License-Identifier: MIT */
#include "unwinder_access.h"

#include <string.h>

#include "arch.h"
#include "objects.h"
#include "sys.h"

#define ENTRY_SIZE 8 /* of an address and of where its entry is, both from the header on */

/* Narrows TABLE, of ENTRIES, down to the one that can be that of IP: libunwind would read each on
 * the way by several calls. Where the table does not lie in OBJECT that is left to libunwind, and
 * false is returned. */
static bool narrow(const struct object *object, uint32_t entries, uintptr_t ip,
                   unw_dyn_info_t *table)
{
    const uintptr_t first = (uintptr_t)table->u.rti.table_data;
    if (entries == 0 || first < object->start || first > object->end ||
        (object->end - first) / ENTRY_SIZE < entries) {
        return false;
    }
    const intptr_t wanted = (intptr_t)(ip - (uintptr_t)table->u.rti.segbase);
    uint32_t low = 0, high = entries;
    while (high - low > 1) { /* those before LOW begin too early, those from HIGH on too late */
        const uint32_t middle = low + (high - low) / 2;
        int32_t begins;
        memcpy(&begins, (const void *)(first + (uintptr_t)middle * ENTRY_SIZE), sizeof begins);
        if (begins <= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    table->u.rti.table_data = first + (uintptr_t)low * ENTRY_SIZE;
    table->u.rti.table_len = ENTRY_SIZE / sizeof(unw_word_t);
    return true;
}

/* The entry for IP in the table of OBJECT's .eh_frame_hdr (LSB, "Exception Frames"), as libunwind's
 * search wants it. Only the form that every linker writes is taken. NARROWED: it is one entry. */
static bool unwind_table(const struct object *object, uintptr_t ip, unw_dyn_info_t *table,
                         bool *narrowed)
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
    table->u.rti.table_len = (unw_word_t)entries * ENTRY_SIZE / sizeof(unw_word_t);
    *narrowed = narrow(object, entries, ip, table);
    return true;
}

bool unwinder_may_have_table(uintptr_t ip)
{
    struct object object;
    unw_dyn_info_t table;
    bool narrowed;
    return object_find(ip, &object) && unwind_table(&object, ip, &table, &narrowed);
}

uintptr_t unwinder_entry(const struct object *object, uintptr_t ip)
{
    unw_dyn_info_t table;
    bool narrowed;
    return unwind_table(object, ip, &table, &narrowed) && narrowed ? table.u.rti.table_data : 0;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int need,
                          void *arg)
{
    struct unwinder_context *c = arg;
    struct object object;
    unw_dyn_info_t table;
    bool narrowed;
    int result = -UNW_ENOINFO;
    if (object_find(ip, &object) && unwind_table(&object, ip, &table, &narrowed)) {
        c->object_start = object.start;
        c->object_end = object.end;
        result = c->search(space, ip, &table, info, need, arg);
    }
    c->no_table = c->no_table || result < 0;
    return result;
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

/* Whether ADDRESS is in the object whose table is searched, as most of what is read is. */
static inline bool in_object(const struct unwinder_context *c, unw_word_t address)
{
    return address - c->object_start < c->object_end - c->object_start &&
           c->object_end - address >= sizeof(unw_word_t);
}

static bool readable(const struct unwinder_context *c, unw_word_t address)
{
    /* A derivation has no stack: both ends are 0. */
    if (address - c->stack_start < c->stack_end - c->stack_start &&
        c->stack_end - address >= sizeof(unw_word_t)) {
        return true;
    }
    struct object object;
    return (object_find(address, &object) && address + sizeof(unw_word_t) <= object.end) ||
           sys_readable(address);
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
                      void *arg)
{
    (void)space;
    struct unwinder_context *c = arg;
    if (write) {
        return -UNW_EREADONLYREG;
    }
    if (in_object(c, address)) {
        memcpy(value, (const void *)address, sizeof *value); /* code need not be aligned */
        return 0;
    }
    if (c->deriving && (unwinder_near(address, MADE_UP_SP) || unwinder_near(address, MADE_UP_BP) ||
                        unwinder_near(address, MADE_UP_LOAD))) {
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
    memcpy(value, (const void *)address, sizeof *value);
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t reg, unw_word_t *value, int write,
                      void *arg)
{
    (void)space;
    struct unwinder_context *c = arg;
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

/* The bits of a return address that may be a signature. Since libunwind 1.8. */
static unw_word_t ptrauth_insn_mask(unw_addr_space_t space, void *arg)
{
    (void)space, (void)arg;
    return ~(unw_word_t)arch_return_address(UINTPTR_MAX);
}

#define CALLBACK_PTRAUTH_INSN_MASK 10

union unwinder_accessors unwinder_accessors = {
    .known =
        {
            .find_proc_info = find_proc_info,
            .put_unwind_info = put_unwind_info,
            .get_dyn_info_list_addr = get_dyn_info_list_addr,
            .access_mem = access_mem,
            .access_reg = access_reg,
            .access_fpreg = access_fpreg,
            .resume = resume,
            .get_proc_name = get_proc_name,
        },
};

void unwinder_access_start(void)
{
    if (ARCH_SIGNS_RETURNS) {
        *(__typeof__(&ptrauth_insn_mask) *)&unwinder_accessors
             .callback[CALLBACK_PTRAUTH_INSN_MASK] = ptrauth_insn_mask;
    }
}
