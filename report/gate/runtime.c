/* SPDX-License-Identifier: MIT */
#include "runtime.h"
#include "format.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How far a rule goes. */
enum where {
    ANYWHERE,  /* a frame of the run-time's part of the stack */
    INNER,     /* the same, but not the innermost: that allocates for the program */
    INNERMOST, /* this one allocates */
    WITHIN,    /* the same, and it was not the program that called it */
    NEAR,      /* no more than a helper is between this one and operator new */
};

/* FUNCTION and MODULE are globs; names are compared without leading underscores, of which aliases
 * have different numbers. MOST: blocks of one stack; more of them are a leak, whoever's. 0: any. */
static const struct rule {
    const char *name, *function, *module;
    enum where where;
    uint64_t most;
} rules[] = {
    {"thread stacks and TLS", "pthread_create*", "*", ANYWHERE, 0},
    {"thread stacks and TLS", "thrd_create*", "*", ANYWHERE, 0},
    {"thread stacks and TLS", "dl_allocate_tls*", "*", ANYWHERE, 0},
    {"thread stacks and TLS", "tls_get_addr*", "*", ANYWHERE, 0},
    {"conversions", "gconv_open", "*", INNER, 0},
    {"conversions", "gconv_find*", "*", ANYWHERE, 0},
    {"conversions", "gconv_lookup*", "*", ANYWHERE, 0},
    {"conversions", "gconv_load*", "*", ANYWHERE, 0},
    {"conversions", "wcsmbs_*", "*", ANYWHERE, 0},
    {"locale", "setlocale", "*", ANYWHERE, 0},
    {"locale", "newlocale", "*", INNER, 0},
    {"locale", "nl_*", "*", ANYWHERE, 0},
    {"locale", "std::locale::*", "libstdc++.so*", ANYWHERE, 0},
    /* What is cached of a locale; others of what these call allocate for the program's streams. */
    {"locale", "*std::num_put<*", "libstdc++.so*", NEAR, 0},
    {"locale", "*std::num_get<*", "libstdc++.so*", NEAR, 0},
    {"locale", "*std::*money_put<*", "libstdc++.so*", NEAR, 0},
    {"locale", "*std::*money_get<*", "libstdc++.so*", NEAR, 0},
    {"locale", "std::*punct_cache<*", "libstdc++.so*", ANYWHERE, 0},
    {"messages", "bindtextdomain*", "*", ANYWHERE, 0},
    {"messages", "textdomain", "*", ANYWHERE, 0},
    {"messages", "*gettext", "libc.so*", ANYWHERE, 0},
    {"messages", "strerror*", "*", ANYWHERE, 4},
    {"messages", "strsignal", "*", ANYWHERE, 4},
    {"name service", "nss_*", "*", ANYWHERE, 0},
    {"name service", "check_pf", "*", ANYWHERE, 4},
    {"name service", "getpw*", "*", ANYWHERE, 0},
    {"name service", "getgr[neg]*", "*", ANYWHERE, 0},
    {"name service", "gethostby*", "*", ANYWHERE, 0},
    {"name service", "getserv*", "*", ANYWHERE, 0},
    {"name service", "getproto*", "*", ANYWHERE, 0},
    {"name service", "getnetby*", "*", ANYWHERE, 0},
    {"name service", "res_*init", "*", ANYWHERE, 0},
    {"time zone", "tz*", "libc.so*", ANYWHERE, 0},
    {"time zone", "localtime*", "*", ANYWHERE, 0},
    {"time zone", "mktime", "*", ANYWHERE, 0},
    {"time zone", "strftime*", "*", ANYWHERE, 0},
    {"stream buffers", "IO_file_doallocate", "*", ANYWHERE, 4},
    {"stream buffers", "IO_wfile_doallocate", "*", ANYWHERE, 4},
    {"stream buffers", "IO_wdoallocbuf", "*", ANYWHERE, 4},
    {"exit handlers", "cxa_atexit", "*", ANYWHERE, 0},
    {"exit handlers", "cxa_at_quick_exit", "*", ANYWHERE, 0},
    {"exit handlers", "cxa_thread_atexit_impl", "*", ANYWHERE, 0},
    {"exit handlers", "on_exit", "*", ANYWHERE, 0},
    {"environment", "setenv", "*", ANYWHERE, 0},
    {"environment", "putenv", "*", ANYWHERE, 0},
    {"environment", "add_to_environ", "*", ANYWHERE, 0},
    {"environment", "tsearch", "libc.so*", WITHIN, 0}, /* setenv's, where it has no name */
    {"dynamic loader", "*", "ld-*", INNERMOST, 0},
    {"dynamic loader", "dlopen*", "*", ANYWHERE, 0},
    {"dynamic loader", "dlmopen*", "*", ANYWHERE, 0},
    {"dynamic loader", "libc_dlopen*", "*", ANYWHERE, 0},
    {"dynamic loader", "dlerror*", "*", ANYWHERE, 0},
    {"dynamic loader", "dl_*", "libc.so*", ANYWHERE, 0},
    {"unwinder", "*register_frame*", "libgcc_s.so*", ANYWHERE, 0},
    {"OpenMP threads", "*", "libgomp.so*", INNERMOST, 0},
};

#define NRULES (sizeof rules / sizeof *rules)

bool runtime_is_module(const char *path)
{
    const char *module = format_base_name(path);
    static const char *const names[] = {"libc.so*",        "libc-2.*",      "ld-*.so*",
                                        "libpthread*.so*", "libdl*.so*",    "libresolv*",
                                        "libnss_*",        "libstdc++.so*", "libgcc_s.so*",
                                        "libm.so*",        "libgomp.so*",   "librt*.so*"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fnmatch(names[i], module, 0) == 0)
            return true;
    return false;
}

/* FUNCTION without the distance and the underscores in front. */
static void bare_name(char *name, size_t size, const char *function)
{
    const char *begin = function + strspn(function, "_");
    snprintf(name, size, "%.*s", (int)strcspn(begin, "+@"), begin);
}

static bool applies(const struct rule *rule, const char *function, const char *module, size_t depth,
                    uint64_t blocks)
{
    bool first = rule->where == INNERMOST || rule->where == WITHIN;
    if ((first && depth > 0) || (rule->where == NEAR && depth > 2) ||
        (rule->where == INNER && depth == 0) || (rule->most && blocks > rule->most))
        return false;
    return fnmatch(rule->function, function, 0) == 0 && fnmatch(rule->module, module, 0) == 0;
}

/* The run-time's part of a stack. */
struct walk {
    uint64_t blocks;
    size_t rule; /* the first that applies; NRULES: none */
    size_t depth;
    bool begins_in_cxx; /* libstdc++ allocates */
    bool by_loader;     /* the last place is the loader's */
    bool pool;          /* the constructor of libstdc++'s pool, linked statically */
};

/* Looks at the place P; false: it is not the run-time's. */
static bool look_at(struct walk *w, const struct place *p)
{
    const char *module = format_base_name(p->module);
    char function[128];
    if (p->linkage && strstr(p->linkage, "9__gnu_cxx9__freeres"))
        w->pool = true;
    if (!runtime_is_module(p->module))
        return false;
    bare_name(function, sizeof function, p->function);
    for (size_t i = 0; i < w->rule; i++)
        if (applies(&rules[i], function, module, w->depth, w->blocks))
            w->rule = i;
    if (w->depth == 0)
        w->begins_in_cxx = fnmatch("libstdc++.so*", module, 0) == 0;
    w->by_loader = strncmp(module, "ld-", 3) == 0;
    w->depth++;
    return true;
}

const char *runtime_name(const struct model *m, uint32_t frame, uint64_t blocks)
{
    struct walk w = {.blocks = blocks, .rule = NRULES};
    bool inside = true;
    for (uint32_t f = frame; inside && f; f = m->dump->frames[f].parent) {
        struct model_refs refs = model_refs(m, f);
        inside = refs.first < refs.end; /* else it was not looked up, and is no library's */
        for (uint32_t i = refs.first; inside && i < refs.end; i++)
            inside = look_at(&w, &m->places[m->refs[i].place]);
    }
    if (w.rule < NRULES && (rules[w.rule].where != WITHIN || w.depth > 1))
        return rules[w.rule].name;
    /* The pool is made by a constructor, which the loader calls; all else that libstdc++ allocates
     * is somebody's. */
    bool pool = w.pool || (inside && w.begins_in_cxx && w.by_loader);
    return pool && blocks == 1 ? "exception pool" : NULL;
}
