/* SPDX-License-Identifier: MIT
 *
 * A private directory for the dumps of `check`, below TMPDIR or beside where they are to be kept,
 * and its removal with all that it holds. Those of launchers that were killed are removed when the
 * next one is made in the same place. Returns errors as -1 with errno set.
 */
#ifndef LAUNCHER_TEMPDIR_H
#define LAUNCHER_TEMPDIR_H

#include <limits.h>
#include <stddef.h>

struct tempdir {
    char path[PATH_MAX]; /* absolute; "": there is none */
    int claim;           /* see leftover.h; -1: none */
};

/* Makes one for the user alone: in the directory PARENT, which is made if it is missing, or, if
 * that is NULL, in TMPDIR or /tmp. */
int tempdir_make(struct tempdir *tempdir, const char *parent);
void tempdir_remove(struct tempdir *tempdir);

/* Paths of the dumps in DIRECTORY, in order of their names; the list ends with a NULL. Half-written
 * files are none. Memory that cannot be had ends the launcher (memory.h). */
char **tempdir_dumps(const char *directory, size_t *n);
void tempdir_forget(char **dumps, size_t n);

#endif
