/* SPDX-License-Identifier: MIT */
#include "pathname.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *pathname_below(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    while (length > 0 && directory[length - 1] == '/')
        length--;
    while (*name == '/')
        name++;
    char *path;
    return asprintf(&path, "%.*s/%s", (int)length, directory, name) < 0 ? NULL : path;
}

/* Takes the last component of PATH (LENGTH bytes, none of them a trailing slash) off; false if
 * there is none that could be. */
static bool drop_component(const char *path, size_t *length)
{
    size_t at = *length;
    while (at > 0 && path[at - 1] != '/')
        at--;
    if (at == *length || (*length - at == 2 && memcmp(path + at, "..", 2) == 0))
        return false;
    *length = at > 1 ? at - 1 : 0;
    return true;
}

/* In place. */
static void normalize(char *path)
{
    bool absolute = path[0] == '/';
    size_t out = 0;
    for (const char *in = path; *in;) {
        size_t length = strcspn(in, "/");
        const char *next = in + length + (in[length] == '/');
        bool skip = length == 0 || (length == 1 && in[0] == '.');
        if (!skip && length == 2 && in[0] == '.' && in[1] == '.')
            skip = drop_component(path, &out) || absolute;
        if (!skip) {
            if (out > 0 || absolute)
                path[out++] = '/';
            memmove(path + out, in, length);
            out += length;
        }
        in = next;
    }
    if (out == 0)
        path[out++] = absolute ? '/' : '.';
    path[out] = '\0';
}

char *pathname_absolute(const char *directory, const char *name)
{
    char *path = NULL;
    if (name[0] == '/' || !directory || !directory[0])
        path = strdup(name[0] ? name : ".");
    else
        path = pathname_below(directory, name);
    if (path)
        normalize(path);
    return path;
}

char *pathname_directory(const char *name)
{
    const char *slash = strrchr(name, '/');
    if (!slash)
        return strdup(".");
    return slash == name ? strdup("/") : strndup(name, (size_t)(slash - name));
}

const char *pathname_base(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}
