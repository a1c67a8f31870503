/* SPDX-License-Identifier: MIT
 *
 * Where a source file is on this machine. The names come from dumps and debug information, which
 * may come from anywhere: only regular files of at most SOURCE_MAX_BYTES are opened (O_NONBLOCK, so
 * that a FIFO cannot hang us, and checked after opening), and names with ".." are made plain first.
 * No state but the roots; one thread at a time for each.
 */
#ifndef REPORT_SOURCE_FIND_H
#define REPORT_SOURCE_FIND_H

#include <stdbool.h>
#include <stddef.h>

#define SOURCE_MAX_BYTES (64u << 20)

/* What source_find says of a file that it must not read. */
extern const char SOURCE_OUTSIDE[];

struct source_root;

struct source_roots {
    struct source_root *list;
    size_t n;
    /* Nothing but what lies below a root, links followed, is opened. */
    bool only;
};

/* SPEC: A=B or a directory, see source.h. Returns 0, or -1 with *ERROR (static text). */
int source_roots_add(struct source_roots *roots, const char *spec, const char **error);
void source_roots_free(struct source_roots *roots);

/* What was found out about a name. */
struct source_found {
    int fd; /* -1: none that may be read */
    size_t size;
    char *mapped;    /* malloc'd: where the roots have it; NULL: no root is for it */
    const char *why; /* static text: there is a file, but it cannot be used; NULL: there is none */
};

/* Looks NAME up in ROOTS, then, if that is allowed, as it is. */
struct source_found source_find(const struct source_roots *roots, const char *name);

#endif
