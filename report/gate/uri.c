/* SPDX-License-Identifier: MIT */
#include "uri.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"

static char *make(const char *before, const char *path, const char *after)
{
    static const char hex[] = "0123456789ABCDEF";
    char *uri = mem_alloc(strlen(before) + 3 * strlen(path) + strlen(after) + 1);
    char *at = stpcpy(uri, before);
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (strchr(PLAIN, c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    stpcpy(at, after);
    return uri;
}

char *uri_relative(const char *path)
{
    return make("", path, "");
}

char *uri_file(const char *path)
{
    return make(*path == '/' ? "file://" : "", path, "");
}

char *uri_directory(const char *path)
{
    size_t n = strlen(path);
    return make("file://", path, n && path[n - 1] == '/' ? "" : "/");
}

void uri_free(char *uri)
{
    free(uri);
}
