/* SPDX-License-Identifier: MIT
 *
 * Which file a command is, and why the library would see nothing of it: known before it is started,
 * so that nobody waits for the profile of a program that leaves none. What cannot be found out is
 * taken for fine; the command is started in any case.
 */
#ifndef LAUNCHER_PROGRAM_H
#define LAUNCHER_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Finds the file that execvp(3) would run for NAME. Returns 0, or -1 if there is none. */
int program_find(const char *name, char path[PATH_MAX]);

/* Whether the file at PATH is a binary. */
bool program_is_elf(const char *path);

struct program {
    char path[PATH_MAX]; /* what is examined: of a script, its interpreter */
    const char *blind;   /* why nothing will be recorded, for the user; NULL: it will be */
    bool preload;        /* whether LD_PRELOAD does no harm: what it starts may be recorded */
};

/* Looks at the file at PATH. */
void program_examine(const char *path, struct program *program);

#endif
