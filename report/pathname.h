/* SPDX-License-Identifier: MIT
 *
 * File names as text. Nothing here looks at the file system. Results are malloc'd; NULL only
 * without memory.
 */
#ifndef REPORT_PATHNAME_H
#define REPORT_PATHNAME_H

/* NAME below DIRECTORY, exactly one slash between them, whatever NAME begins with. */
char *pathname_below(const char *directory, const char *name);

/* NAME if it is absolute, else NAME below DIRECTORY (which may be NULL: unknown), without empty,
 * "." and ".." components. ".." is taken textually, as compilers do; above the root it vanishes,
 * at the beginning of a relative name it stays. */
char *pathname_absolute(const char *directory, const char *name);

/* Everything before the last slash ("." without one, "/" below the root). */
char *pathname_directory(const char *name);

/* What follows the last slash; points into NAME. */
const char *pathname_base(const char *name);

#endif
