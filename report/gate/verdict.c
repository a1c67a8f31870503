/* SPDX-License-Identifier: MIT */
#include "verdict.h"
#include "die.h"
#include "identity.h"
#include "pool.h"
#include "units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_words(const struct verdict *v, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        die("out of memory");
    va_end(args);
    const char *kept = pool_intern(v->strings, text);
    free(text);
    return kept;
}

const struct verdict_frame *verdict_where(const struct verdict_finding *f)
{
    return f->nframes ? &f->frames[f->where] : NULL;
}

/* The C library's code that calls main and the functions of threads. */
static bool is_start(const struct verdict_frame *f)
{
    return !f->own && ((f->module && identity_is_c_library(f->module)) ||
                       strncmp(f->function, "_start", 6) == 0);
}

size_t verdict_frames(const struct verdict *v, const struct verdict_finding *f)
{
    size_t n = f->nframes;
    if (v->whole_stacks || f->left_out)
        return n;
    while (n > 0 && is_start(&f->frames[n - 1]))
        n--;
    return n > f->where ? n : f->nframes;
}

const char *verdict_frame_words(const struct verdict *v, const struct verdict_frame *f)
{
    const char *inlined = f->inlined ? " [inlined]" : "";
    if (f->file)
        return verdict_words(v, "%s %s:%" PRIu32 "%s", f->brief, f->file, f->line, inlined);
    if (f->module)
        return verdict_words(v, "%s (%s)%s", f->brief, f->module, inlined);
    return verdict_words(v, "%s%s", f->brief, inlined);
}

const char *verdict_place(const struct verdict *v, const struct verdict_finding *f)
{
    const struct verdict_frame *where = verdict_where(f);
    if (!where)
        return "no stack";
    if (where->file)
        return verdict_words(v, "%s:%" PRIu32, where->file, where->line);
    return where->module ? verdict_words(v, "%s (%s)", where->brief, where->module) : where->brief;
}

const char *verdict_proposal(const struct verdict *v, const struct verdict_finding *f)
{
    if (f->covers < 2)
        return f->covers ? f->suppression : NULL;
    return verdict_words(v, "# for %zu stacks\n%s", f->covers, f->suppression);
}

const char *verdict_suppression(const struct verdict *v, const struct suppression *s)
{
    return verdict_words(v, "%s:%s (%s, line %zu)", s->only ? "only" : "leak", s->pattern,
                         s->embedded ? "in the program" : s->origin, s->line);
}

const char *verdict_amount(const struct verdict *v, uint64_t stacks, uint64_t blocks,
                           uint64_t bytes)
{
    char size[UNITS_MAX];
    return verdict_words(v, "%" PRIu64 " stack%s, %" PRIu64 " block%s, %s", stacks,
                         stacks == 1 ? "" : "s", blocks, blocks == 1 ? "" : "s",
                         units_human(size, bytes));
}
