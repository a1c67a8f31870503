/* SPDX-License-Identifier: MIT
 *
 * Proposals of suppressions. A pattern is compared with each frame by itself, so the narrowest one
 * is that of the frame whose function is on the fewest other leaking stacks; of several, one of the
 * project's own functions, the innermost. What starts programs is on every stack and comes last. A
 * pattern has a function's name without what compilers and demanglers disagree about, or, where no
 * function has a name, the module without its version.
 */
#include "function_name.h"
#include "gate.h"
#include "pathname.h"
#include "runtime.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pattern for a stack, and what it is judged by: the least is best. */
struct candidate {
    const char *pattern; /* NULL: none */
    bool outermost;      /* main, or what calls it */
    size_t matches;      /* leaking stacks that it is for */
    bool foreign;        /* of no function of the project */
    bool top;            /* calls the allocator */
};

/* Whether a frame of the stack that ends in FRAME has a function or module that S matches. */
static bool is_on_stack(const struct model *m, uint32_t frame, const struct suppression *s)
{
    for (uint32_t f = frame; f; f = m->dump->frames[f].parent) {
        struct model_refs refs = model_refs(m, f);
        for (uint32_t i = refs.first; i < refs.end; i++) {
            const struct place *p = &m->places[m->refs[i].place];
            if (suppression_matches(s, p->function, NULL, p->module))
                return true;
        }
    }
    return false;
}

static size_t count_matches(const struct gate *g, const char *pattern)
{
    struct suppression s = {.pattern = pattern, .names = SUPPRESS_FUNCTION | SUPPRESS_MODULE};
    size_t n = 0;
    for (size_t i = 0; i < g->leaks->n; i++) {
        const struct stackset_entry *e = &g->leaks->entries[i];
        n += e->model && is_on_stack(e->model, e->frame, &s);
    }
    return n;
}

/* Puts stars for what is no plain character, or has a meaning in patterns. */
static void make_literal(char *text)
{
    for (char *c = text; *c; c++)
        if (!isprint((unsigned char)*c) || *c == '$' || *c == '^')
            *c = '*';
}

/* The pattern for P; NULL if it has no name that lasts. */
static const char *pattern_of(const struct gate *g, const struct place *p)
{
    bool named = p->file || p->linkage || strncmp(p->function, "0x", 2) != 0;
    bool runtime = runtime_is_module(p->module);
    if (!named && !p->module)
        return NULL;
    char *name = named ? function_name_plain(p->function) : strdup(pathname_base(p->module));
    char *version = named ? NULL : strstr(name, ".so.");
    if (version)
        version[3] = '\0';
    make_literal(name);
    /* C's names are what they are. Others go on with parameters, or begin with a return type; and
     * aliases of libc's differ in underscores. */
    bool whole = named && !runtime && p->file && strcmp(name, p->function) == 0;
    size_t bare = named && runtime ? strspn(name, "_") : 0;
    const char *pattern = verdict_words(&g->verdict, whole ? "^%s$" : "%s", name + bare);
    free(name);
    return *pattern ? pattern : NULL;
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
    if (a->matches != b->matches)
        return a->matches < b->matches;
    return !a->foreign && b->foreign;
}

static struct candidate find_best(const struct gate *g, const struct model *m, uint32_t frame)
{
    struct candidate best = {.pattern = NULL};
    bool top = true;
    for (uint32_t f = frame; f; f = m->dump->frames[f].parent) {
        struct model_refs refs = model_refs(m, f);
        for (uint32_t i = refs.first; i < refs.end; i++) {
            const struct place *p = &m->places[m->refs[i].place];
            struct candidate c = {.pattern = model_is_operator_new(p) ? NULL : pattern_of(g, p),
                                  .outermost = starts_programs(p),
                                  .foreign = !p->own,
                                  .top = top};
            if (!c.pattern)
                continue;
            top = false;
            c.matches = count_matches(g, c.pattern);
            if (is_better(&c, &best))
                best = c;
        }
    }
    return best;
}

const char *gate_suggest(const struct gate *g, const struct model *m, uint32_t frame)
{
    struct candidate best = find_best(g, m, frame);
    if (!best.pattern)
        return NULL;
    /* Everything that main calls would be suppressed: with the anchor it is what main allocates. */
    return verdict_words(&g->verdict, "%sleak:%s",
                         best.outermost && best.top ? "#memprof: top\n" : "", best.pattern);
}
