/* SPDX-License-Identifier: MIT
 *
 * early: checks what libearly_library.so allocated before main, sets a locale, forgets an error of
 * the loader that it never made, and frees everything. Prints what it found. */
#include "early.h"

#include <dlfcn.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    int whole = 0;
    for (size_t i = 0; i < EARLY_BLOCKS; i++) {
        const unsigned char *p = early_blocks[i];
        whole += p && p[0] == i && p[999] == i;
        free(early_blocks[i]);
    }
    const char *locale = setlocale(LC_ALL, "");
    locale = locale ? setlocale(LC_CTYPE, "C") : NULL;
    const char *error = dlerror();
    printf("%d blocks, choice %d %d, child %d, locale %s, error %s\n", whole, early_choice(),
           early_resolved, early_child, locale ? locale : "none", error ? error : "none");
    return 0;
}
