/* SPDX-License-Identifier: MIT
 *
 * Source files, read safely: the names come from dumps and debug information, which may come from
 * anywhere. Only regular files of at most SOURCE_MAX_BYTES are opened (O_NONBLOCK, so that a FIFO
 * cannot hang us, and re-checked after opening). Not thread-safe.
 */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_MAX_BYTES (64u << 20)

struct sources;

/* --source-root A=B: a file name that starts with A (whole path components) is looked for with B
 * instead. A root without "=" is a directory below which a name is tried, whole and then with
 * leading components taken off. */
struct sources *sources_new(void);
void sources_free(struct sources *s);
/* Returns 0, or -1 with *ERROR (static text) if SPEC is not of that form. */
int sources_add_root(struct sources *s, const char *spec, const char **error);

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
