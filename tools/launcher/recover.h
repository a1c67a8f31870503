/* SPDX-License-Identifier: MIT
 *
 * The helper that writes the dump of a killed process (preload/salvage.h): the launcher's own
 * program, started again by rescue.c. It reads what any program may have scribbled over, so it does
 * nothing else, with limits on what it may use.
 */
#ifndef LAUNCHER_RECOVER_H
#define LAUNCHER_RECOVER_H

#include <stdbool.h>

/* Its arguments; not for users, and in no help. */
#define RECOVER_OPTION "--recover"
#define RECOVER_ENDED "ended"
#define RECOVER_REPLACED "replaced"

/* Its descriptors: the vault, and a pipe into which it writes one byte when it is through. */
enum { RECOVER_VAULT = 3, RECOVER_END = 4 };

/* Whether the launcher was started as that helper. */
bool recover_is_meant(int argc, char **argv);

/* Its main. */
int recover_main(int argc, char **argv);

/* The path of the launcher's program. */
const char *recover_program(void);

#endif
