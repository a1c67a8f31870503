/* SPDX-License-Identifier: MIT */
#include "source_find.h"

#include "pathname.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char SOURCE_OUTSIDE[] =
    "is not below a --source-root, and the dump was recorded on another machine";

struct source_root {
    char *from; /* NULL: a directory */
    char *to;
};

int source_roots_add(struct source_roots *roots, const char *spec, const char **error)
{
    const char *equals = strchr(spec, '=');
    const char *to = equals ? equals + 1 : spec;
    if (!*to || equals == spec) {
        *error = "expected a directory or OLD=NEW";
        return -1;
    }
    struct source_root *list = reallocarray(roots->list, roots->n + 1, sizeof *list);
    if (!list) {
        *error = strerror(ENOMEM);
        return -1;
    }
    roots->list = list;
    struct source_root *r = &list[roots->n];
    r->from = equals ? strndup(spec, (size_t)(equals - spec)) : NULL;
    r->to = strdup(to);
    if ((equals && !r->from) || !r->to) {
        free(r->from);
        free(r->to);
        *error = strerror(ENOMEM);
        return -1;
    }
    for (size_t n = r->from ? strlen(r->from) : 0; n > 1 && r->from[n - 1] == '/'; n--)
        r->from[n - 1] = '\0';
    roots->n++;
    return 0;
}

void source_roots_free(struct source_roots *roots)
{
    for (size_t i = 0; i < roots->n; i++) {
        free(roots->list[i].from);
        free(roots->list[i].to);
    }
    free(roots->list);
    *roots = (struct source_roots){0};
}

/* Opens NAME, checked after opening. Returns whether FOUND has it. */
static bool open_regular(const char *name, struct source_found *found)
{
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    const char *why = NULL;
    if (fd < 0)
        why = errno == ENOENT || errno == ENOTDIR ? NULL : strerror(errno);
    else if (fstat(fd, &st))
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "is not a regular file";
    else if (st.st_size < 0 || st.st_size > (off_t)SOURCE_MAX_BYTES)
        why = "is larger than 64 MiB, too large for a source file";
    if (fd < 0 || why) {
        found->why = why ? why : found->why;
        if (fd >= 0)
            close(fd);
        return false;
    }
    found->size = (size_t)st.st_size;
    found->fd = fd;
    found->why = NULL;
    return true;
}

/* Whether PATH, links followed, lies below DIRECTORY. */
static bool lies_below(const char *directory, const char *path)
{
    char *top = realpath(directory, NULL), *real = realpath(path, NULL);
    size_t n = top ? strlen(top) : 0;
    bool below =
        top && real && strncmp(real, top, n) == 0 && (n == 1 || real[n] == '/' || real[n] == '\0');
    free(top);
    free(real);
    return below;
}

static bool open_inside(const struct source_roots *roots, const struct source_root *r,
                        const char *path, struct source_found *found)
{
    if (roots->only && access(path, F_OK) == 0 && !lies_below(r->to, path)) {
        found->why = "is a link out of its --source-root";
        return false;
    }
    return open_regular(path, found);
}

/* NAME below the directory R, then without its first component, and so on. Sets *PATH to where it
 * is, malloc'd. */
static bool open_below(const struct source_roots *roots, const struct source_root *r,
                       const char *name, struct source_found *found, char **path)
{
    while (name) {
        *path = pathname_below(r->to, name);
        if (*path && open_inside(roots, r, *path, found))
            return true;
        free(*path);
        *path = NULL;
        name = strchr(name + strspn(name, "/"), '/');
    }
    return false;
}

/* NAME with the root's FROM replaced, malloc'd; only whole components of NAME count. NULL: it does
 * not begin so. */
static char *replaced(const struct source_root *r, const char *name)
{
    size_t length = strlen(r->from);
    if (strncmp(name, r->from, length) != 0 ||
        (name[length] && name[length] != '/' && r->from[length - 1] != '/'))
        return NULL;
    return name[length] ? pathname_below(r->to, name + length) : strdup(r->to);
}

/* Opens NAME where the roots say, and sets found->mapped. */
static bool open_mapped(const struct source_roots *roots, const char *name,
                        struct source_found *found)
{
    bool open = false;
    for (size_t i = 0; i < roots->n && !open; i++) {
        const struct source_root *r = &roots->list[i];
        char *path = r->from ? replaced(r, name) : NULL;
        if (r->from)
            open = path && open_inside(roots, r, path, found);
        else
            open = open_below(roots, r, name, found, &path);
        if (!open && found->mapped) {
            free(path);
        } else if (path) {
            free(found->mapped);
            found->mapped = path;
        }
    }
    return open;
}

struct source_found source_find(const struct source_roots *roots, const char *name)
{
    struct source_found found = {.fd = -1};
    /* Made plain, so that it cannot climb out of a root. */
    char *plain = pathname_absolute(NULL, name);
    if (plain && strcmp(plain, "..") != 0 && strncmp(plain, "../", 3) != 0 &&
        !open_mapped(roots, plain, &found)) {
        if (!roots->only)
            open_regular(plain, &found);
        else if (!found.why && access(plain, F_OK) == 0)
            found.why = SOURCE_OUTSIDE;
    }
    free(plain);
    return found;
}
