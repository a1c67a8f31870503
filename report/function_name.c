/* SPDX-License-Identifier: MIT */
#include "function_name.h"
#include "memory.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define ANONYMOUS "(anonymous namespace)"

/* The parts of a name; both without return type and parameters. */
struct parts {
    const char *begin;      /* in the name: where its return type ends */
    char *kept, *dropped;   /* with template arguments, and without */
    size_t nkept, ndropped; /* their lengths */
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static void put(struct parts *p, const char *text, size_t n)
{
    memcpy(p->kept + p->nkept, text, n);
    memcpy(p->dropped + p->ndropped, text, n);
    p->nkept += n;
    p->ndropped += n;
}

/* The length of the brackets that TEXT begins with, those in them included; of all that follows if
 * they are not closed. Of angles only those count that are not within others: (a > b). */
static size_t group_length(const char *text)
{
    bool angles = text[0] == '<';
    size_t depth = 0, others = 0, n = 0;
    do {
        char c = text[n];
        if (c == '\0')
            return n;
        bool arrow = c == '>' && n > 0 && text[n - 1] == '-';
        if (c == '(' || c == '[' || c == '{')
            others++;
        else if ((c == ')' || c == ']' || c == '}') && others > 0)
            others--;
        else if (angles && others == 0 && c == '<')
            depth++;
        else if (angles && others == 0 && c == '>' && !arrow)
            depth--;
        n++;
    } while (depth > 0 || others > 0);
    return n;
}

/* The length of `operator+`, `operator()`, `operator new[]`, `operator char const*`; 0: none. */
static size_t operator_length(const char *name, const char *at)
{
    size_t n = strlen("operator");
    if (strncmp(at, "operator", n) != 0 || is_word(at[n]) || (at > name && is_word(at[-1])))
        return 0;
    if (strncmp(at + n, "()", 2) == 0 || strncmp(at + n, "[]", 2) == 0)
        return n + 2;
    if (at[n] == ' ' || at[n] == '"')
        return n + strcspn(at + n, "(");
    return n + strspn(at + n, "<>=!+-*/%^&|~,");
}

/* Whether the function at the end of PARAMETERS is one around another: `f(int) const::{lambda}`. */
static const char *goes_on(const char *parameters)
{
    const char *at = parameters + group_length(parameters);
    if (strncmp(at, " const", 6) == 0)
        at += 6;
    return strncmp(at, "::", 2) == 0 ? at : NULL;
}

static bool is_distance(const char *at)
{
    return strncmp(at, "+0x", 3) == 0 && at[3 + strspn(at + 3, "0123456789abcdef")] == '\0';
}

/* Passes the template arguments at AT. A `::` before them goes with them: f::<T>. */
static const char *take_arguments(struct parts *p, const char *at)
{
    size_t n = group_length(at);
    memcpy(p->kept + p->nkept, at, n);
    p->nkept += n;
    if (p->ndropped > 2 && strncmp(p->dropped + p->ndropped - 2, "::", 2) == 0)
        p->ndropped -= 2;
    return at + n;
}

/* Whether the brackets of a return type `decltype (a + b)` come. */
static bool is_decltype(const struct parts *p, const char *at)
{
    return at[*at == ' '] == '(' && p->ndropped >= 8 &&
           memcmp(p->dropped + p->ndropped - 8, "decltype", 8) == 0;
}

/* P's buffers hold as much as NAME. */
static void take_apart(struct parts *p, const char *name)
{
    p->begin = name;
    for (const char *at = name; *at && !is_distance(at);) {
        size_t n = operator_length(name, at);
        if (n > 0) {
            put(p, at, n);
            at += n;
            if (strncmp(at, " <", 2) == 0) /* as `operator< <int>` is printed */
                at = take_arguments(p, at + 1);
        } else if (*at == '<') {
            at = take_arguments(p, at);
        } else if (*at == '{' || *at == '[') {
            n = group_length(at);
            put(p, at, n);
            at += n;
        } else if (strncmp(at, ANONYMOUS, strlen(ANONYMOUS)) == 0) {
            put(p, at, strlen(ANONYMOUS));
            at += strlen(ANONYMOUS);
        } else if (is_decltype(p, at)) {
            at += group_length(at + (*at == ' ')) + (*at == ' ');
        } else if (*at == '(' && at > name) {
            const char *inner = goes_on(at);
            if (!inner)
                break;
            at = inner;
        } else if (*at == ' ' && at[1] != '[') {
            /* What came was the return type, or "virtual thunk to". */
            p->nkept = p->ndropped = 0;
            p->begin = ++at;
        } else if (*at == ' ') {
            break; /* [clone .cold] */
        } else {
            put(p, at++, 1);
        }
    }
    p->kept[p->nkept] = p->dropped[p->ndropped] = '\0';
}

bool function_name_matches(const char *name, const char *glob)
{
    if (fnmatch(glob, name, 0) == 0)
        return true;
    size_t size = strlen(name) + 1;
    struct parts p = {.kept = mem_alloc(size), .dropped = mem_alloc(size)};
    take_apart(&p, name);
    bool matches = fnmatch(glob, p.begin, 0) == 0 || fnmatch(glob, p.kept, 0) == 0 ||
                   fnmatch(glob, p.dropped, 0) == 0;
    free(p.kept);
    free(p.dropped);
    return matches;
}

/* The suffixes that compilers and linkers give to copies and parts of functions; a number may
 * follow each. */
static const char *const clone_suffixes[] = {
    "cold", "constprop",   "isra",     "lto_priv", "part",   "localalias", "clone",
    "llvm", "specialized", "resolver", "ifunc",    "__uniq", "artificial", NULL};

/* The length of the suffix `.cold`, `.constprop.0`, `.1234` that AT, a dot, begins; 0: none. */
static size_t suffix_length(const char *at)
{
    size_t digits = strspn(at + 1, "0123456789");
    if (digits > 0 && (at[1 + digits] == '\0' || at[1 + digits] == '.'))
        return 1 + digits;
    for (const char *const *suffix = clone_suffixes; *suffix; suffix++) {
        size_t n = strlen(*suffix);
        if (strncmp(at + 1, *suffix, n) == 0 && (at[1 + n] == '\0' || at[1 + n] == '.'))
            return 1 + n;
    }
    return 0;
}

/* Cuts off all suffixes at the end of NAME. */
static void cut_suffixes(char *name)
{
    for (char *at = strchr(name, '.'); at; at = strchr(at + 1, '.')) {
        size_t n = 0, more;
        while (at[n] == '.' && (more = suffix_length(at + n)) > 0)
            n += more;
        if (at > name && n > 0 && at[n] == '\0') {
            *at = '\0';
            return;
        }
    }
}

/* The length of a closure's name at AT, which compilers number as they like: `{lambda(int)#1}`,
 * clang's `$_0`. 0: none. */
static size_t closure_length(const char *at)
{
    if (strncmp(at, "{lambda", 7) == 0)
        return group_length(at);
    size_t digits = strncmp(at, "$_", 2) == 0 ? strspn(at + 2, "0123456789") : 0;
    return digits > 0 && !is_word(at[2 + digits]) ? 2 + digits : 0;
}

char *function_name_plain(const char *name)
{
    static const char closure[] = "{lambda}";
    size_t size = strlen(name) + 1, length = 0;
    struct parts p = {.kept = mem_alloc(size), .dropped = mem_alloc(size)};
    take_apart(&p, name);
    const char *plain = p.ndropped > 0 ? p.dropped : name;
    /* A closure's shortest name has three characters. */
    char *result = mem_alloc(size * sizeof closure / 3 + sizeof closure);
    while (*plain) {
        size_t n = closure_length(plain);
        if (n > 0) {
            memcpy(result + length, closure, sizeof closure - 1);
            length += sizeof closure - 1;
            plain += n;
        } else {
            result[length++] = *plain++;
        }
    }
    result[length] = '\0';
    cut_suffixes(result);
    free(p.kept);
    free(p.dropped);
    return result;
}
