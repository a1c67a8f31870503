/* SPDX-License-Identifier: MIT */
#include "made_stack.h"

#include <string.h>

#define WORD sizeof(uintptr_t)
#define CODE ((uintptr_t)0x401000)

static uintptr_t address_of(enum made_kind kind, size_t size, size_t site)
{
    return CODE + (((uintptr_t)kind * MADE_SIZES + size) * MADE_SITES + site) * 16;
}

static bool decode(uintptr_t ip, enum made_kind *kind, size_t *size)
{
    uintptr_t number = (ip - CODE) / 16;
    if ((ip - CODE) % 16 || number >= (MADE_OUTERMOST + 1) * MADE_SIZES * MADE_SITES) {
        return false;
    }
    *kind = (enum made_kind)(number / MADE_SITES / MADE_SIZES);
    *size = number / MADE_SITES % MADE_SIZES;
    return true;
}

void made_init(struct made_stack *m, uintptr_t bp)
{
    memset(m, 0, sizeof *m);
    m->frame[m->depth++] = (struct made_frame){address_of(MADE_OUTERMOST, 0, 0),
                                               (uintptr_t)&m->word[MADE_WORDS - 16], bp};
}

void made_call(struct made_stack *m, enum made_kind kind, size_t size, size_t site, uintptr_t junk)
{
    struct made_frame caller = made_innermost(m), f = {.bp = caller.bp};
    uintptr_t *top = (uintptr_t *)caller.sp;
    *--top = caller.ip;
    if (kind == MADE_SAVES || kind == MADE_POINTER) {
        *--top = caller.bp;
        f.bp = kind == MADE_POINTER ? (uintptr_t)top : junk;
    } else if (kind == MADE_REALIGNED) {
        top = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)63);
        *--top = caller.bp;
        f.bp = (uintptr_t)top;
        *--top = caller.sp;
    } else if (kind == MADE_OUTLINED) {
        *--top = caller.sp;
    }
    f.sp = (uintptr_t)(top - size);
    f.ip = address_of(kind, size, site);
    m->frame[m->depth++] = f;
}

void made_return(struct made_stack *m)
{
    m->depth--;
}

static struct rule rule_of(enum made_kind kind, size_t size)
{
    const int64_t word = WORD, own = word * (int64_t)size;
    const struct rule_parts parts[] = {
        [MADE_PLAIN] = {RULE_SP, RULE_BP_SAME, own + word, 0, 0},
        [MADE_SAVES] = {RULE_SP, RULE_BP_AT_CFA, own + 2 * word, -2 * word, 0},
        [MADE_POINTER] = {RULE_BP, RULE_BP_AT_CFA, 2 * word, -2 * word, 0},
        [MADE_REALIGNED] = {RULE_LOAD_BP, RULE_BP_AT_BP, 0, 0, -word},
        [MADE_OUTLINED] = {RULE_LOAD_SP, RULE_BP_SAME, 0, 0, own},
    };
    struct rule rule = rule_plain(RULE_END);
    if (kind != MADE_OUTERMOST) {
        (void)rule_make(&rule, &parts[kind]);
    }
    return rule;
}

static bool readable(const struct made_stack *m, uintptr_t address)
{
    return address - (uintptr_t)m->word <= sizeof m->word - WORD;
}

size_t made_walk(const struct made_stack *m, struct made_frame f, struct trace_step *step)
{
    for (size_t n = 0; n < MADE_DEPTH; n++) {
        enum made_kind kind;
        size_t size;
        if (!decode(f.ip, &kind, &size)) {
            return 0;
        }
        struct rule rule = rule_of(kind, size);
        struct trace_step *s = &step[n];
        *s = (struct trace_step){.ip = f.ip, .sp = f.sp, .bp = f.bp, .rule = rule};
        if (kind == MADE_OUTERMOST) {
            return n + 1;
        }
        uintptr_t cfa = kind == MADE_POINTER ? f.bp : f.sp;
        if (kind == MADE_REALIGNED || kind == MADE_OUTLINED) {
            s->load_at = (kind == MADE_REALIGNED ? f.bp : f.sp) + (uintptr_t)rule_load(rule);
            if (!readable(m, s->load_at)) {
                return 0;
            }
            cfa = s->load = trace_load(s->load_at);
        }
        cfa += (uintptr_t)rule_cfa(rule);
        s->at = cfa - WORD;
        if (cfa <= f.sp || !readable(m, s->at)) {
            return 0;
        }
        if (rule_bp(rule) != RULE_BP_SAME) {
            s->bp_at = (rule_bp(rule) == RULE_BP_AT_CFA ? cfa : f.bp) + (uintptr_t)rule_bp_at(rule);
            if (!readable(m, s->bp_at) || s->bp_at == s->at || (s->bp_at - s->at) % WORD) {
                return 0;
            }
            f.bp = trace_load(s->bp_at);
        }
        f.ip = trace_load(s->at);
        f.sp = cfa;
    }
    return 0;
}

bool made_needs_bp(const struct trace_step *step, size_t n, size_t i)
{
    while (++i < n) {
        if (rule_uses_bp(step[i].rule) || !rule_same_bp(step[i].rule)) {
            return rule_uses_bp(step[i].rule);
        }
    }
    return false;
}

struct trace *made_enter(struct traces *t, const struct trace_step *step, size_t n)
{
    struct trace *x = NULL;
    uint64_t hash = 0;
    while (n-- > 0) {
        hash = hash * 31 + step[n].ip;
        x = traces_enter(t, &step[n], x, hash);
        if (!x) {
            return NULL;
        }
    }
    return x;
}
