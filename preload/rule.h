/* SPDX-License-Identifier: MIT
 *
 * What it takes to step out of a frame, for one instruction address: where the canonical frame
 * address (CFA, the caller's stack pointer) is, where the return address lies and where the
 * caller's frame pointer register was saved. Derived by libunwind, run by stack.c.
 *
 * Eight bytes, so that a table of rules is small and one is read by a single load. Offsets are
 * multiples of 8, and cover frames of up to 64 MiB; 256 KiB where they are counted from the CFA.
 */
#ifndef PRELOAD_RULE_H
#define PRELOAD_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"

enum rule_kind {
    RULE_SP,      /* CFA = sp + cfa */
    RULE_BP,      /* CFA = bp + cfa */
    RULE_LOAD_BP, /* CFA = [bp + load] + cfa: realigned stacks */
    RULE_LOAD_SP, /* CFA = [sp + load] + cfa: outlined code of such functions */
    RULE_SIGNAL,  /* a signal trampoline: the interrupted registers are in the frame */
    RULE_END,     /* the outermost frame */
    RULE_COMPLEX, /* none of these: leave it to libunwind's own step */
    RULE_BARE,    /* code without a table: the outermost frame if bp is 0, else as RULE_COMPLEX */
};

enum rule_bp {
    RULE_BP_SAME,   /* bp is not changed */
    RULE_BP_AT_CFA, /* saved at CFA + bp_at */
    RULE_BP_AT_BP,  /* saved at bp + bp_at */
};

/* Zero is a rule: CFA = sp. */
struct rule {
    uint64_t bits;
};

/* From the lowest bit. */
#define RULE_KIND_BITS 3
#define RULE_BP_SHIFT 3      /* 2 bits */
#define RULE_USES_BP_SHIFT 5 /* the step depends on bp */
#define RULE_SAME_BP_SHIFT 6 /* the step leaves bp as it is */
#define RULE_LOAD_SHIFT 8    /* 16 bits, in units of 8 bytes; of the return address: see below */
#define RULE_BP_AT_SHIFT 24  /* 16 bits */
#define RULE_CFA_SHIFT 40    /* 24 bits */

static inline enum rule_kind rule_kind(struct rule r)
{
    return (enum rule_kind)(r.bits & ((1u << RULE_KIND_BITS) - 1));
}

static inline enum rule_bp rule_bp(struct rule r)
{
    return (enum rule_bp)(r.bits >> RULE_BP_SHIFT & 3);
}

static inline bool rule_uses_bp(struct rule r)
{
    return r.bits >> RULE_USES_BP_SHIFT & 1;
}

static inline bool rule_same_bp(struct rule r)
{
    return r.bits >> RULE_SAME_BP_SHIFT & 1;
}

/* In bytes, from the register or word that the kind names. */
static inline intptr_t rule_cfa(struct rule r)
{
    return ((int64_t)r.bits >> RULE_CFA_SHIFT) * 8;
}

/* In bytes, from what rule_bp names. */
static inline intptr_t rule_bp_at(struct rule r)
{
    return ((int64_t)(r.bits << (64 - RULE_BP_AT_SHIFT - 16)) >> 48) * 8;
}

/* In bytes: of RULE_LOAD_*, from their register, to the word with the CFA. */
static inline intptr_t rule_load(struct rule r)
{
    return ((int64_t)(r.bits << (64 - RULE_LOAD_SHIFT - 16)) >> 48) * 8;
}

/* In bytes, from the CFA to the return address. Where that must be told there are no rules of the
 * kinds RULE_LOAD_*: code that needs both in one step is left to libunwind. */
static inline intptr_t rule_return(struct rule r)
{
    return ARCH_RETURN_BELOW_CFA ? -(intptr_t)sizeof(uintptr_t) : rule_load(r);
}

/* A rule without offsets. */
static inline struct rule rule_plain(enum rule_kind kind)
{
    return (struct rule){(uint64_t)kind | (uint64_t)1 << RULE_SAME_BP_SHIFT |
                         (uint64_t)(kind == RULE_BARE) << RULE_USES_BP_SHIFT};
}

/* Whether a frame with RULE and BP is the outermost. */
static inline bool rule_ends(struct rule rule, uintptr_t bp)
{
    const enum rule_kind kind = rule_kind(rule);
    return kind == RULE_END || (kind == RULE_BARE && bp == 0);
}

/* The parts of a rule, offsets in bytes. */
struct rule_parts {
    enum rule_kind kind;
    enum rule_bp bp;
    int64_t cfa, bp_at, load; /* `load`: or what rule_return is */
};

static inline bool rule_fits(int64_t offset, unsigned bits)
{
    int64_t limit = (int64_t)8 << (bits - 1);
    return offset % 8 == 0 && offset >= -limit && offset < limit;
}

/* Returns false if an offset does not fit. */
static inline bool rule_make(struct rule *r, const struct rule_parts *p)
{
    if (!rule_fits(p->cfa, 24) || !rule_fits(p->bp_at, 16) || !rule_fits(p->load, 16)) {
        return false;
    }
    bool uses = p->kind == RULE_BP || p->kind == RULE_LOAD_BP || p->bp == RULE_BP_AT_BP;
    r->bits = (uint64_t)p->kind | (uint64_t)p->bp << RULE_BP_SHIFT |
              (uint64_t)uses << RULE_USES_BP_SHIFT |
              (uint64_t)(p->bp == RULE_BP_SAME) << RULE_SAME_BP_SHIFT |
              ((uint64_t)(p->load / 8) & 0xffff) << RULE_LOAD_SHIFT |
              ((uint64_t)(p->bp_at / 8) & 0xffff) << RULE_BP_AT_SHIFT |
              (uint64_t)(p->cfa / 8) << RULE_CFA_SHIFT;
    return true;
}

#endif
