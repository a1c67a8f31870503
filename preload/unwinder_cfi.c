/* SPDX-License-Identifier: MIT
 *
 * Rules read from an object's .eh_frame as nearly all code has it, without libunwind: its steps
 * read by the byte through callbacks, and take some ten thousand instructions, with all signals
 * blocked. Whatever is not in the plain form below is left to it. The formats: LSB, "Exception
 * Frames"; DWARF 5, 6.4.
 */
#include <string.h>

#include "arch.h"
#include "objects.h"
#include "sys.h"
#include "unwinder_parts.h"

/* Numbers of registers (System V ABI for x86-64, 3.6.2). Where return addresses need not be saved,
 * or are signed, what libunwind makes of that is its own: nothing is read here. */
#define COLUMN_BP 6u
#define COLUMN_SP 7u
#define COLUMN_RETURN 16u

/* Bytes that are read one after the other. BAD: there were too few. */
struct bytes {
    const uint8_t *at, *end;
    bool bad;
};

static inline uint8_t take_byte(struct bytes *b)
{
    if (unlikely(b->at >= b->end)) {
        b->bad = true;
        return 0;
    }
    return *b->at++;
}

static void take(struct bytes *b, void *to, size_t size)
{
    if ((size_t)(b->end - b->at) < size) {
        b->bad = true;
        b->at = b->end;
        memset(to, 0, size);
        return;
    }
    memcpy(to, b->at, size);
    b->at += size;
}

static inline uint32_t take_word(struct bytes *b)
{
    uint32_t word;
    take(b, &word, sizeof word);
    return word;
}

/* A LEB128 of at most 28 bits; others are BAD. */
#define LEB_BITS 28
static uint32_t take_uleb(struct bytes *b)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < LEB_BITS; shift += 7) {
        const uint8_t byte = take_byte(b);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (likely(!(byte & 0x80))) {
            return value;
        }
    }
    b->bad = true;
    return 0;
}

/* The same of one byte, signed. */
static int32_t take_short_sleb(struct bytes *b)
{
    const uint8_t byte = take_byte(b);
    b->bad = b->bad || (byte & 0x80);
    return (byte & 0x40) ? (int32_t)byte - 0x80 : byte;
}

/* A row of the table that the instructions make: of the columns, those that a rule tells. */
struct row {
    uint32_t cfa_register;
    int64_t cfa_offset;
    bool bp_saved, return_saved;
    int64_t bp_at, return_at; /* from the CFA */
};

#define REMEMBERED 4

/* What a CIE says of its FDEs, and the state while their instructions are run. */
struct cfi {
    uint32_t code_align;
    int32_t data_align;
    struct bytes program; /* of the CIE */
    struct row row, initial, kept[REMEMBERED];
    unsigned remembered;
};

#define ENCODED_HERE 0x1b /* 4 bytes, signed, from where they are */

/* Takes the entry of SIZE bytes that begins at ADDRESS in OBJECT. */
static bool begin(const struct object *object, uintptr_t address, struct bytes *b)
{
    if (address < object->start || address >= object->end || object->end - address < 8) {
        return false;
    }
    *b = (struct bytes){.at = (const uint8_t *)address, .end = (const uint8_t *)object->end};
    const uint32_t length = take_word(b);
    if (length == 0 || length == UINT32_MAX || length > (size_t)(b->end - b->at)) {
        return false;
    }
    b->end = b->at + length;
    return true;
}

/* The size of a pointer with ENCODING; 0: left to libunwind. */
static unsigned pointer_size(uint8_t encoding)
{
    static const uint8_t size[8] = {8, 0, 2, 4, 8};
    return (encoding & 0x70) == 0x50 ? 0 : size[encoding & 7];
}

/* Reads the CIE whose bytes, behind the length, are B. */
static bool read_cie(struct bytes *b, struct cfi *c)
{
    const uint32_t id = take_word(b);
    const uint8_t version = take_byte(b);
    const char *augmentation = (const char *)b->at;
    if (id != 0 || (version != 1 && version != 3) || take_byte(b) != 'z') {
        return false;
    }
    while (!b->bad && take_byte(b) != '\0') {
    }
    c->code_align = take_uleb(b);
    c->data_align = take_short_sleb(b);
    const uint32_t column = version == 1 ? take_byte(b) : take_uleb(b);
    const uint32_t length = take_uleb(b);
    if (b->bad || column != COLUMN_RETURN || length > (size_t)(b->end - b->at)) {
        return false;
    }
    c->program = (struct bytes){.at = b->at + length, .end = b->end};
    b->end = b->at + length;
    uint8_t encoding = 0;
    for (const char *a = augmentation + 1; *a != '\0'; a++) {
        const uint8_t byte = take_byte(b);
        if (*a == 'R') {
            encoding = byte;
        } else if (*a == 'P' && pointer_size(byte) > 0) {
            uint8_t pointer[8];
            take(b, pointer, pointer_size(byte));
        } else if (*a != 'L') {
            return false; /* S: of a signal frame; or unknown */
        }
    }
    return !b->bad && encoding == ENCODED_HERE;
}

/* What a register of a frame is restored by. */
static void save(struct row *row, uint32_t column, bool saved, int64_t at)
{
    if (column == COLUMN_BP) {
        row->bp_saved = saved;
        row->bp_at = at;
    } else if (column == COLUMN_RETURN) {
        row->return_saved = saved;
        row->return_at = at;
    }
}

static void restore(struct cfi *c, uint32_t column)
{
    const struct row *from = &c->initial;
    if (column == COLUMN_BP) {
        save(&c->row, column, from->bp_saved, from->bp_at);
    } else {
        save(&c->row, column, from->return_saved, from->return_at);
    }
}

/* Whether anything that is said of COLUMN beside where it is saved is left to libunwind. */
static bool is_told(uint32_t column)
{
    return column == COLUMN_BP || column == COLUMN_SP || column >= COLUMN_RETURN;
}

/* Runs an instruction that is not one of advance_loc. Returns false if it is left to libunwind. */
static bool run_one(struct cfi *c, struct bytes *b, uint8_t code)
{
    uint32_t column = code & 0x3f;
    switch (code >> 6 ? code & 0xc0 : code) {
    case 0x05: /* offset_extended */
        column = take_uleb(b);
        /* fall through */
    case 0x80: /* offset */
        save(&c->row, column, true, (int64_t)take_uleb(b) * c->data_align);
        return column != COLUMN_SP && column <= COLUMN_RETURN;
    case 0x06: /* restore_extended */
        column = take_uleb(b);
        /* fall through */
    case 0xc0: /* restore */
        restore(c, column);
        return column != COLUMN_SP && column <= COLUMN_RETURN;
    case 0x07: /* undefined */
    case 0x08: /* same_value */
        return !is_told(take_uleb(b));
    case 0x0a: /* remember_state */
        if (c->remembered == REMEMBERED) {
            return false;
        }
        c->kept[c->remembered++] = c->row;
        return true;
    case 0x0b: /* restore_state */
        if (c->remembered == 0) {
            return false;
        }
        c->row = c->kept[--c->remembered];
        return true;
    case 0x0c: /* def_cfa */
        c->row.cfa_register = take_uleb(b);
        c->row.cfa_offset = take_uleb(b);
        return true;
    case 0x0d: /* def_cfa_register */
        c->row.cfa_register = take_uleb(b);
        return true;
    case 0x0e: /* def_cfa_offset */
        c->row.cfa_offset = take_uleb(b);
        return true;
    case 0x00: /* nop */
        return true;
    default:
        return false;
    }
}

/* Runs the instructions B for code from *WHERE on, up to the row that IP is in. */
static bool run(struct cfi *c, struct bytes *b, uintptr_t where, uintptr_t ip)
{
    while (b->at < b->end && !b->bad) {
        const uint8_t code = take_byte(b);
        if (code >> 6 == 1) {
            where += (code & 0x3fu) * (uintptr_t)c->code_align;
        } else if (code >= 0x02 && code <= 0x04) { /* advance_loc1, 2, 4 */
            uint32_t delta = 0;
            take(b, &delta, (size_t)1 << (code - 2));
            where += delta * (uintptr_t)c->code_align;
        } else if (!run_one(c, b, code)) {
            return false;
        }
        if (where > ip) {
            break;
        }
    }
    return !b->bad;
}

/* Runs the programs of the FDE at ADDRESS and its CIE up to IP. */
static bool find_row(const struct object *object, uintptr_t address, uintptr_t ip, struct cfi *c)
{
    struct bytes fde, cie;
    if (!begin(object, address, &fde)) {
        return false;
    }
    const uintptr_t field = (uintptr_t)fde.at;
    if (!begin(object, field - take_word(&fde), &cie) || !read_cie(&cie, c)) {
        return false;
    }
    const uintptr_t here = (uintptr_t)fde.at;
    const uintptr_t start = here + (uintptr_t)(intptr_t)(int32_t)take_word(&fde);
    const uint32_t size = take_word(&fde);
    const uint32_t more = take_uleb(&fde); /* of the augmentation: where the language's data is */
    if (fde.bad || ip - start >= size || more > (size_t)(fde.end - fde.at)) {
        return false;
    }
    fde.at += more;
    if (!run(c, &c->program, 0, 0)) {
        return false;
    }
    c->initial = c->row;
    return run(c, &fde, start, ip);
}

bool unwinder_read(uintptr_t ip, bool return_address, struct rule *rule)
{
    struct object object;
    struct cfi c;
    ip -= return_address;
    const uintptr_t entry =
        ARCH_RETURN_BELOW_CFA && object_find(ip, &object) ? unwinder_entry(&object, ip) : 0;
    if (entry == 0 || object_is_signal_trampoline(ip + return_address)) {
        return false;
    }
    int32_t from_header;
    memcpy(&from_header, (const void *)(entry + sizeof from_header), sizeof from_header);
    memset(&c, 0, sizeof c);
    if (!find_row(&object, (uintptr_t)object.eh_frame_hdr + (uintptr_t)(intptr_t)from_header, ip,
                  &c)) {
        return false;
    }
    const struct row *row = &c.row;
    if ((row->cfa_register != COLUMN_SP && row->cfa_register != COLUMN_BP) || !row->return_saved ||
        row->return_at != -(int64_t)sizeof(uintptr_t) ||
        (row->cfa_register == COLUMN_SP && row->cfa_offset <= 0)) {
        return false;
    }
    const struct rule_parts parts = {
        .kind = row->cfa_register == COLUMN_SP ? RULE_SP : RULE_BP,
        .bp = row->bp_saved ? RULE_BP_AT_CFA : RULE_BP_SAME,
        .cfa = row->cfa_offset,
        .bp_at = row->bp_saved ? row->bp_at : 0,
    };
    return rule_make(rule, &parts);
}
