/* SPDX-License-Identifier: MIT
 *
 * libearly_library.so: allocates before any other code of the program is ready. Its constructor is
 * among the first of all; the first thing that it does is newlocale, which allocates with libc's
 * lock on locales held. A function of it is chosen by a resolver (IFUNC), which the loader calls
 * while it relocates, and which allocates, too. Its constructor makes a child by _Fork. */
#include "early.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw_exit.h"

void *early_blocks[EARLY_BLOCKS];
int early_resolved, early_child;

static int chosen(void)
{
    return 17;
}

__attribute__((used)) static int (*choose(void))(void)
{
    void *p = malloc(170);
    early_resolved = p != NULL;
    free(p);
    return chosen;
}

int early_choice(void) __attribute__((ifunc("choose")));

/* Whether a child, which allocates, ends well. */
static int make_child(void)
{
    int status = 1;
    const pid_t child = _Fork();
    if (child == 0) {
        void *p = malloc(77);
        raw_exit(p == NULL);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

static __attribute__((constructor(101))) void first(void)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
    if (locale)
        freelocale(locale);
    for (size_t i = 0; i < EARLY_BLOCKS; i++) {
        early_blocks[i] = malloc(1000 + i);
        if (early_blocks[i])
            memset(early_blocks[i], (int)i, 1000);
    }
    early_child = make_child();
}
