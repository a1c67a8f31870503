/* SPDX-License-Identifier: MIT
 *
 * demangle() over libiberty. A mangled name is input like any other: a few hundred bytes can stand
 * for gigabytes of text (each substitution may double it), so the output is counted as it comes
 * and given up on beyond a limit. libiberty's own limit of recursion stays on.
 */
#include "escape.h"
#include "symbolize.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MAX_MANGLED (16u << 10)
#define MAX_DEMANGLED (32u << 10)
#define MAX_D_MANGLED 1024
#define MAX_D_REFERENCES 40

#define STYLE (DMGL_PARAMS | DMGL_ANSI)

struct output {
    size_t length;
    jmp_buf too_long;
    char text[MAX_DEMANGLED];
};

/* libiberty holds nothing but its stack while it calls this, so that jumping out leaks nothing
 * (Rust's punycode aside, whose buffer is freed before the next call). */
static void collect(const char *text, size_t length, void *arg)
{
    struct output *o = arg;
    if (length == 0)
        return; /* TEXT may be NULL: a crate without a name */
    if (length >= sizeof o->text - o->length)
        longjmp(o->too_long, 1);
    memcpy(o->text + o->length, text, length);
    o->length += length;
}

/* False if NAME is not mangled so, or stands for too much. */
static bool expand(struct output *o, const char *name, bool rust)
{
    o->length = 0;
    if (setjmp(o->too_long) != 0)
        return false;
    int ok = rust ? rust_demangle_callback(name, STYLE, collect, o)
                  : cplus_demangle_v3_callback(name, STYLE, collect, o);
    return ok && o->length > 0;
}

/* With Rust first: its older mangling is a valid C++ name too, with a hash for a function. */
static char *demangle_itanium(const char *name)
{
    struct output *o = malloc(sizeof *o);
    if (!o)
        return NULL;
    char *result = NULL;
    if (expand(o, name, true) || (name[1] == 'Z' && expand(o, name, false)))
        result = escape_text(o->text, o->length, 0);
    free(o);
    return result;
}

/* D has no way to stop half-way, so that what could grow is turned away before. */
static char *demangle_d(const char *name, size_t length)
{
    size_t references = 0;
    for (const char *c = name; *c; c++)
        references += *c == 'Q';
    if (length > MAX_D_MANGLED || references > MAX_D_REFERENCES)
        return NULL;
    char *raw = dlang_demangle(name, STYLE);
    if (!raw)
        return NULL;
    char *result = raw[0] ? escape_text(raw, strlen(raw), 0) : NULL;
    free(raw);
    return result;
}

char *demangle(const char *name)
{
    size_t length = strlen(name);
    char *result = NULL;
    if (length <= MAX_MANGLED && name[0] == '_') {
        if (name[1] == 'Z' || name[1] == 'R')
            result = demangle_itanium(name);
        else if (name[1] == 'D')
            result = demangle_d(name, length);
    }
    return result ? result : escape_text(name, length, 0);
}
