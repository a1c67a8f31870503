/* SPDX-License-Identifier: MIT
 *
 * Private temporary directories that outlive a launcher which was killed, and their removal by a
 * later one. Each is marked by its launcher, which holds a lock on it as long as it lives; the
 * kernel lets go of that in any case. So one that has the mark and no lock is nobody's, unless a
 * process that the launcher started is still there: it has the directory's name in its environment.
 * Only directories of the same user are looked at, and no more names than can be in a moment. What
 * cannot be done is left: none of it is an error.
 */
#ifndef LAUNCHER_LEFTOVER_H
#define LAUNCHER_LEFTOVER_H

/* Marks the directory PATH, which this process has just made, as its own. Returns the descriptor to
 * keep open until the directory is removed, or -1: then nobody will ever take it for left over. */
int leftover_claim(const char *path);

/* Removes what was left in PLACE under names that consist of PREFIX and six more characters. */
void leftover_sweep(const char *place, const char *prefix);

#endif
