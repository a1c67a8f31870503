/* SPDX-License-Identifier: MIT
 *
 * Proposals of suppressions. A pattern is compared with each frame by itself, so the narrowest one
 * is that of a function which is on few other leaking stacks: of the project's own functions the
 * one on the fewest, the innermost of several; failing these, of others', and of the C library's
 * last. What starts programs is on every stack and is but better than nothing. A pattern has a
 * function's name without what compilers and demanglers disagree about, or, where no function has a
 * name, the module without its version.
 */
#include "function_name.h"
#include "gate.h"
#include "memory.h"
#include "pathname.h"
#include "pattern.h"
#include "runtime.h"
#include "symbolize.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A proposal need not be the best of all to be a good one: these bound the time it takes. */
#define CANDIDATES 48 /* frames of a stack, innermost first */
#define COMPARED 1000 /* other leaking stacks */

/* A pattern for a stack, and what it is judged by: the least is best. */
struct candidate {
    const char *pattern; /* NULL: none */
    bool outermost;      /* main, or what calls it */
    size_t matches;      /* leaking stacks that it is for */
    bool foreign;        /* of no function of the project */
    bool system;         /* of the C library */
    bool module;         /* of all that a library does */
    bool top;            /* calls the allocator */
};

/* What follows the bracket that closes the one at TEXT; NULL: nothing closes it. */
static const char *behind_brackets(const char *text)
{
    const char open = *text, close = open == '<' ? '>' : ')';
    int depth = 0;
    for (; *text; text++) {
        depth += *text == open;
        depth -= *text == close;
        if (depth == 0)
            return text + 1;
    }
    return NULL;
}

/* What follows that which plain names do not have, at TEXT: template arguments, and parameters of a
 * function around another. NULL: nothing of that kind is there. */
static const char *behind_extra(const char *text)
{
    if (*text == '<' || *text == '(')
        return behind_brackets(text);
    return strncmp(text, " const", 6) == 0 ? text + 6 : NULL;
}

/* What follows the closure at TEXT: gcc's `{lambda(int)#1}`, clang's `$_0` or `'lambda'(int)`.
 * NULL: none is there. */
static const char *behind_closure(const char *text)
{
    if (strncmp(text, "{lambda", 7) == 0) {
        const char *end = strchr(text, '}');
        return end ? end + 1 : NULL;
    }
    if (strncmp(text, "$_", 2) == 0)
        return text + 2 + strspn(text + 2, "0123456789");
    return NULL;
}

/* Puts NAME into PATTERN as it is at FROM, with a star for what plain names do not have. Returns
 * false if it is not there. */
static bool follow_name(char *pattern, const char *from, const char *name)
{
    static const char closure[] = "{lambda}";
    while (*name) {
        bool is_closure = strncmp(name, closure, sizeof closure - 1) == 0;
        const char *rest = is_closure ? behind_closure(from) : NULL;
        if (rest) {
            name += sizeof closure - 1;
        } else if (*from == *name) {
            *pattern++ = *name++;
            from++;
            continue;
        } else if (!(rest = behind_extra(from))) {
            return false;
        }
        *pattern++ = '*';
        from = rest;
    }
    *pattern = '\0';
    return true;
}

/* A pattern that matches FULL by NAME, what function_name_plain left of it. Malloc'd. */
static char *spread_name(const char *full, const char *name)
{
    char *pattern = mem_alloc(strlen(full) + strlen(name) + 1);
    for (const char *from = full; *from; from++)
        if (follow_name(pattern, from, name))
            return pattern;
    return strcpy(pattern, name);
}

/* Puts stars for what is no plain character, or has a meaning in patterns. */
static void make_literal(char *text)
{
    for (char *c = text; *c; c++)
        if (!isprint((unsigned char)*c) || *c == '$' || *c == '^')
            *c = '*';
}

/* The pattern for a function's name, without what compilers and demanglers disagree about. NULL:
 * none that matches it. */
static const char *function_pattern(const struct gate *g, const struct place *p)
{
    char *name = function_name_plain(p->function);
    char *spread = spread_name(p->function, name);
    bool runtime = runtime_is_module(p->module);
    /* C's names are what they are. Others go on with parameters, or begin with a return type; and
     * aliases of libc's differ in underscores. */
    bool c_name = !p->linkage || strcmp(p->linkage, p->function) == 0;
    bool whole = c_name && !runtime && p->file && strcmp(name, p->function) == 0;
    const char *bare = spread + (runtime ? strspn(spread, "_") : 0);
    make_literal(spread);
    const char *pattern = *bare ? verdict_words(&g->verdict, whole ? "^%s$" : "%s", bare) : NULL;
    free(spread);
    free(name);
    return pattern && pattern_matches(pattern, p->function) ? pattern : NULL;
}

/* The same for a module, without its version. */
static const char *module_pattern(const struct gate *g, const struct place *p)
{
    char *name = mem_strdup(pathname_base(p->module));
    char *version = strstr(name, ".so.");
    if (version)
        version[3] = '\0';
    make_literal(name);
    const char *pattern = *name ? verdict_words(&g->verdict, "%s", name) : NULL;
    free(name);
    return pattern;
}

/* The C library's functions are told by its symbols, as they are when suppressions are applied. */
static const char *symbol_pattern(const struct gate *g, const struct model *m,
                                  const struct place *p)
{
    const struct symbol *symbol;
    struct place named = *p;
    if (!p->where)
        return NULL;
    symbolizer_names_only(m->symbols, identity_is_c_library);
    (void)symbolizer_lookup(m->symbols, p->where, p->address, &symbol);
    symbolizer_names_only(m->symbols, NULL);
    named.function = symbol->linkage;
    return symbol->linkage ? function_pattern(g, &named) : NULL;
}

static bool has_name(const struct place *p)
{
    return p->file || p->linkage || strncmp(p->function, "0x", 2) != 0;
}

/* The pattern for P; NULL if it has no name that lasts. */
static const char *pattern_of(const struct gate *g, const struct model *m, const struct place *p)
{
    if (model_is_operator_new(p))
        return NULL;
    if (p->module && identity_is_c_library(p->module))
        return symbol_pattern(g, m, p);
    if (has_name(p))
        return function_pattern(g, p);
    return p->module ? module_pattern(g, p) : NULL;
}

static bool starts_programs(const struct place *p)
{
    static const char *const names[] = {"main",         "_start", "__libc_start",
                                        "start_thread", "clone",  "__clone"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(p->function, names[i], n) == 0 &&
            (i == 2 || !p->function[n] || p->function[n] == '+'))
            return true;
    }
    return false;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (!b->pattern)
        return true;
    if (a->outermost != b->outermost)
        return b->outermost;
    if (a->system != b->system)
        return b->system;
    if (a->foreign != b->foreign)
        return b->foreign;
    if (a->matches != b->matches)
        return a->matches < b->matches;
    return b->module && !a->module;
}

static struct candidate find_best(struct gate *g, const struct model *m, uint32_t frame)
{
    struct candidate best = {.pattern = NULL};
    bool top = true;
    size_t left = CANDIDATES;
    if (!g->compared.first)
        g->compared = compared_new(g->leaks, COMPARED);
    for (uint32_t f = frame; f && left > 0; f = m->dump->frames[f].parent, left--) {
        struct model_refs refs = model_refs(m, f);
        for (uint32_t i = refs.first; i < refs.end; i++) {
            const struct place *p = &m->places[m->refs[i].place];
            struct candidate c = {.pattern = pattern_of(g, m, p),
                                  .outermost = starts_programs(p),
                                  .foreign = !p->own,
                                  .system = p->module && identity_is_c_library(p->module),
                                  .module = !has_name(p),
                                  .top = top};
            top = top && model_is_operator_new(p);
            if (!c.pattern)
                continue;
            c.matches = compared_count(&g->compared, c.pattern);
            if (is_better(&c, &best))
                best = c;
        }
    }
    return best;
}

const char *gate_suggest(struct gate *g, const struct model *m, uint32_t frame)
{
    struct candidate best = find_best(g, m, frame);
    /* Everything that main calls would be suppressed: with the anchor it is what main allocates. */
    if (!best.pattern || (best.outermost && !best.top))
        return NULL;
    return verdict_words(&g->verdict, "%sleak:%s", best.outermost ? "#memprof: top\n" : "",
                         best.pattern);
}
