/* SPDX-License-Identifier: MIT */
#include "places.h"

#include "die.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Directory of this executable, without a slash at the end. */
static void own_directory(char directory[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (n < 0)
        die("'/proc/self/exe': %s: expected /proc to be mounted, to find libmemprof.so",
            strerror(errno));
    directory[n] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
}

/* DIRECTORY/RELATIVE without links and dots, if there is such a file. */
static bool resolve(char path[PATH_MAX], const char *directory, const char *relative)
{
    char joined[2 * PATH_MAX];
    snprintf(joined, sizeof joined, "%s/%s", directory, relative);
    return realpath(joined, path) != NULL;
}

void places_find(struct places *places)
{
    char directory[PATH_MAX];
    own_directory(directory);
    if (!resolve(places->library, directory, "libmemprof.so") &&
        !resolve(places->library, directory, MEMPROF_BIN_TO_LIB "/libmemprof.so"))
        die("'libmemprof.so': is neither in '%s' nor in '%s/%s', expected the library of this "
            "installation there",
            directory, directory, MEMPROF_BIN_TO_LIB);
    /* ld.so(8): the names in LD_PRELOAD are separated by either, and nothing can quote them. */
    if (strpbrk(places->library, " :"))
        die("'%s': LD_PRELOAD cannot name a path with a space or a colon in it, expected memprof "
            "to be installed elsewhere",
            places->library);
    if (!resolve(places->report, directory, "memprof-report"))
        places->report[0] = '\0';
}
