/* SPDX-License-Identifier: MIT
 *
 * The environment that the program gets: a copy of the launcher's, in which single variables are
 * set. Everything else is passed on as it came, duplicates and entries without `=` included. Memory
 * that cannot be had ends the launcher (memory.h).
 */
#ifndef LAUNCHER_ENVIRONMENT_H
#define LAUNCHER_ENVIRONMENT_H

#include <stddef.h>

struct environment {
    char **entries; /* ends with a NULL */
    size_t n, capacity;
    char **owned; /* those made here */
    size_t nowned, owned_capacity;
};

/* Copies the list FROM; the entries themselves stay where they are. */
void environment_begin(struct environment *environment, char **from);
void environment_end(struct environment *environment);

/* Value of NAME, or NULL. */
const char *environment_get(const struct environment *environment, const char *name);

void environment_set(struct environment *environment, const char *name, const char *value);

/* Puts LIBRARY in front of what LD_PRELOAD has, unless it is named there already. */
void environment_preload(struct environment *environment, const char *library);

#endif
