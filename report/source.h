/* SPDX-License-Identifier: MIT
 *
 * Source files, read safely (source_find.h) and kept, their lines made harmless for a terminal. Not
 * thread-safe.
 */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sources;

/* --source-root A=B: a file name that starts with A (whole path components) is looked for with B
 * instead. A root without "=" is a directory below which a name is tried, whole and then with
 * leading components taken off. */
struct sources *sources_new(void);
void sources_free(struct sources *s);
/* Returns 0, or -1 with *ERROR (static text) if SPEC is not of that form. */
int sources_add_root(struct sources *s, const char *spec, const char **error);

/* From now on nothing but what lies below a root is read: the names are somebody else's. */
void sources_only_roots(struct sources *s);

/* WARN is called with one line of text for each file that is there but cannot be read. */
void sources_on_warning(struct sources *s, void (*warn)(void *arg, const char *message), void *arg);

/* Line LINE (from 1) of FILE, without its newline, tabs expanded to 8 columns and control and
 * bidirectional characters escaped; NULL if there is no such file or line. Lives as long as S. */
const char *sources_line(struct sources *s, const char *file, uint32_t line);

/* The text of FILE as it is, of *SIZE bytes, from the beginning of line LINE; NULL if there is no
 * such file or line. Lives as long as S. */
const char *sources_text(struct sources *s, const char *file, uint32_t line, size_t *size);

/* When FILE was last changed, in seconds since 1970; 0 if it cannot be read. */
int64_t sources_changed(struct sources *s, const char *file);

/* The name that the roots give to FILE: where it was found or, if it was not, where the first root
 * that replaces its beginning has it; NULL: no root is for it. Lives as long as S. */
const char *sources_mapped(struct sources *s, const char *file);

/* How many lines FILE has; 0 if it cannot be read. */
uint32_t sources_line_count(struct sources *s, const char *file);

/* Whether FILE (after --source-root) exists and can be read. */
bool sources_readable(struct sources *s, const char *file);

#endif
