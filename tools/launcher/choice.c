/* SPDX-License-Identifier: MIT */
#include "choice.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Cuts the last part of NAME, from its last dot on. */
static void cut(char *name)
{
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
}

/* Name of the program of the dump at PATH; false: it became another one. */
static bool program_of(const char *path, char name[NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    snprintf(name, NAME_MAX + 1, "%s", slash ? slash + 1 : path);
    cut(name); /* .json */
    const char *dot = strrchr(name, '.');
    if (dot && strncmp(dot, ".exec", 5) == 0)
        return false;
    cut(name); /* the process */
    return true;
}

/* Whether NAME matches one of the globs in LIST. */
static bool matches(const char *name, const char *list)
{
    char glob[NAME_MAX + 1];
    for (; *list; list += *list == ',') {
        size_t n = strcspn(list, ",");
        snprintf(glob, sizeof glob, "%.*s", (int)n, list);
        if (n < sizeof glob && fnmatch(glob, name, 0) == 0)
            return true;
        list += n;
    }
    return false;
}

bool choice_has(const char *path, const char *only, const char *skip)
{
    char name[NAME_MAX + 1];
    return program_of(path, name) && (!only || matches(name, only)) &&
           !(skip && matches(name, skip));
}
