/* SPDX-License-Identifier: MIT */
#include "tempdir.h"

#include "leftover.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPEN 16 /* directories that are open at a time */

/* Makes PATH and what is missing above it. */
static int make_all(const char *path)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(part, 0777) && errno != EEXIST ? -1 : 0;
}

int tempdir_make(struct tempdir *tempdir, const char *parent)
{
    char absolute[PATH_MAX];
    const char *given = getenv("TMPDIR");
    const char *place = parent ? parent : given && *given ? given : "/tmp";
    tempdir->path[0] = '\0';
    if ((parent && make_all(parent)) || !realpath(place, absolute))
        return -1;
    leftover_sweep(absolute, ".memprof-check.");
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/.memprof-check.XXXXXX", absolute) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (!mkdtemp(path))
        return -1;
    strcpy(tempdir->path, path);
    tempdir->claim = leftover_claim(path);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)where;
    if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
        rmdir(path);
    else
        unlink(path);
    return 0; /* as much as can be */
}

void tempdir_remove(struct tempdir *tempdir)
{
    if (tempdir->path[0]) {
        nftw(tempdir->path, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS);
        if (tempdir->claim >= 0)
            close(tempdir->claim);
    }
    tempdir->path[0] = '\0';
}

static int is_dump(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

char **tempdir_dumps(const char *directory, size_t *n)
{
    struct dirent **entries = NULL;
    int found = scandir(directory, &entries, is_dump, alphasort);
    *n = found > 0 ? (size_t)found : 0;
    char **dumps = mem_zero(*n + 1, sizeof *dumps);
    for (size_t i = 0; i < *n; i++) {
        size_t size = strlen(directory) + strlen(entries[i]->d_name) + 2;
        dumps[i] = mem_alloc(size);
        snprintf(dumps[i], size, "%s/%s", directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return dumps;
}

void tempdir_forget(char **dumps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(dumps[i]);
    free(dumps);
}
