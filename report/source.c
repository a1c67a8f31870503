/* SPDX-License-Identifier: MIT */
#include "source.h"

#include "escape.h"
#include "pathname.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define TAB_WIDTH 8
/* An indexed file takes 16 bytes a line: what has more lines than this is no source text. */
#define MAX_LINES (8u << 20)

struct root {
    char *from; /* NULL: a directory */
    char *to;
};

struct file {
    char *name;   /* as asked for */
    char *mapped; /* by a root; NULL: by none */
    char *text;   /* NULL: cannot be read */
    size_t size;
    int64_t changed;
    uint32_t nlines;
    size_t *starts; /* nlines + 1 offsets */
    char **lines;   /* escaped, as they are asked for */
    UT_hash_handle hh;
};

struct sources {
    struct root *roots;
    size_t nroots;
    struct file *files;
};

struct sources *sources_new(void)
{
    return calloc(1, sizeof(struct sources));
}

static void file_free(struct file *f)
{
    for (uint32_t i = 0; f->lines && i < f->nlines; i++)
        free(f->lines[i]);
    free(f->lines);
    free(f->starts);
    free(f->text);
    free(f->mapped);
    free(f->name);
    free(f);
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    struct file *f = s->files;
    HASH_CLEAR(hh, s->files); /* leaves the entries, and their links */
    for (struct file *next; f; f = next) {
        next = f->hh.next;
        file_free(f);
    }
    for (size_t i = 0; i < s->nroots; i++) {
        free(s->roots[i].from);
        free(s->roots[i].to);
    }
    free(s->roots);
    free(s);
}

int sources_add_root(struct sources *s, const char *spec, const char **error)
{
    const char *equals = strchr(spec, '=');
    const char *to = equals ? equals + 1 : spec;
    if (!*to || equals == spec) {
        *error = "expected a directory or OLD=NEW";
        return -1;
    }
    struct root *roots = reallocarray(s->roots, s->nroots + 1, sizeof *roots);
    if (!roots) {
        *error = strerror(ENOMEM);
        return -1;
    }
    s->roots = roots;
    struct root *r = &roots[s->nroots];
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
    s->nroots++;
    return 0;
}

/* Opens NAME if it is a regular file of a bearable size, checked after opening. O_NONBLOCK keeps a
 * FIFO or a device from holding us up. Returns the descriptor or -1. */
static int open_regular(const char *name, size_t *size)
{
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 &&
        st.st_size <= (off_t)SOURCE_MAX_BYTES) {
        *size = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

/* NAME below DIRECTORY, then without its first component, and so on. Sets *PATH to where it is,
 * malloc'd. */
static int open_below(const char *directory, const char *name, size_t *size, char **path)
{
    while (name) {
        *path = pathname_below(directory, name);
        int fd = *path ? open_regular(*path, size) : -1;
        if (fd >= 0)
            return fd;
        free(*path);
        *path = NULL;
        name = strchr(name + strspn(name, "/"), '/');
    }
    return -1;
}

/* NAME with the root's FROM replaced, malloc'd; only whole components of NAME count. NULL: it does
 * not begin so. */
static char *replaced(const struct root *r, const char *name)
{
    size_t length = strlen(r->from);
    if (strncmp(name, r->from, length) != 0 ||
        (name[length] && name[length] != '/' && r->from[length - 1] != '/'))
        return NULL;
    return name[length] ? pathname_below(r->to, name + length) : strdup(r->to);
}

/* Opens NAME where the roots say, and sets F->mapped. */
static int open_mapped(const struct sources *s, const char *name, struct file *f)
{
    int fd = -1;
    for (size_t i = 0; i < s->nroots && fd < 0; i++) {
        const struct root *r = &s->roots[i];
        char *path = r->from ? replaced(r, name) : NULL;
        if (r->from)
            fd = path ? open_regular(path, &f->size) : -1;
        else
            fd = open_below(r->to, name, &f->size, &path);
        if (fd < 0 && f->mapped) {
            free(path);
        } else if (path) {
            free(f->mapped);
            f->mapped = path;
        }
    }
    return fd;
}

/* Names with ".." are made plain first, so that they cannot climb out of a root. */
static int open_source(const struct sources *s, const char *file, struct file *f)
{
    char *name = pathname_absolute(NULL, file);
    int fd = -1;
    if (name && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0) {
        fd = open_mapped(s, name, f);
        if (fd < 0)
            fd = open_regular(name, &f->size);
    }
    free(name);
    return fd;
}

/* Reads at most SIZE bytes; a file that shrinks meanwhile is shorter. */
static char *read_whole(int fd, size_t *size)
{
    char *text = malloc(*size + 1);
    size_t got = 0;
    while (text && got < *size) {
        ssize_t n = read(fd, text + got, *size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    *size = got;
    return text;
}

static int index_lines(struct file *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->size; i++)
        n += f->text[i] == '\n';
    if (f->size > 0 && f->text[f->size - 1] != '\n')
        n++;
    if (n > MAX_LINES)
        return -1;
    f->starts = calloc(n + 1, sizeof *f->starts);
    f->lines = calloc(n + 1, sizeof *f->lines);
    if (!f->starts || !f->lines)
        return -1;
    f->nlines = (uint32_t)n;
    size_t line = 0;
    for (size_t i = 0; i < f->size; i++)
        if (f->text[i] == '\n' && ++line < n)
            f->starts[line] = i + 1;
    f->starts[n] = f->size;
    return 0;
}

static struct file *file_get(struct sources *s, const char *name)
{
    struct file *f = NULL;
    HASH_FIND_STR(s->files, name, f);
    if (f)
        return f;
    f = calloc(1, sizeof *f);
    if (!f || !(f->name = strdup(name))) {
        free(f);
        return NULL;
    }
    int fd = open_source(s, name, f);
    if (fd >= 0) {
        struct stat st;
        f->changed = fstat(fd, &st) == 0 ? st.st_mtime : 0;
        f->text = read_whole(fd, &f->size);
        close(fd);
        if (f->text && index_lines(f) != 0) {
            free(f->text);
            f->text = NULL;
            f->nlines = 0;
        }
    }
    HASH_ADD_KEYPTR(hh, s->files, f->name, strlen(f->name), f);
    if (!f->hh.tbl) {
        file_free(f);
        return NULL;
    }
    return f;
}

const char *sources_line(struct sources *s, const char *file, uint32_t line)
{
    struct file *f = file_get(s, file);
    if (!f || !f->text || line == 0 || line > f->nlines)
        return NULL;
    char **slot = &f->lines[line - 1];
    if (!*slot) {
        const char *text = f->text + f->starts[line - 1];
        size_t length = f->starts[line] - f->starts[line - 1];
        if (length > 0 && text[length - 1] == '\n')
            length--;
        if (length > 0 && text[length - 1] == '\r')
            length--;
        *slot = escape_text(text, length, TAB_WIDTH);
    }
    return *slot;
}

const char *sources_text(struct sources *s, const char *file, uint32_t line, size_t *size)
{
    struct file *f = file_get(s, file);
    if (!f || !f->text || line == 0 || line > f->nlines)
        return NULL;
    *size = f->size - f->starts[line - 1];
    return f->text + f->starts[line - 1];
}

int64_t sources_changed(struct sources *s, const char *file)
{
    struct file *f = file_get(s, file);
    return f && f->text ? f->changed : 0;
}

const char *sources_mapped(struct sources *s, const char *file)
{
    struct file *f = s->nroots > 0 ? file_get(s, file) : NULL;
    return f ? f->mapped : NULL;
}

uint32_t sources_line_count(struct sources *s, const char *file)
{
    struct file *f = file_get(s, file);
    return f && f->text ? f->nlines : 0;
}

bool sources_readable(struct sources *s, const char *file)
{
    struct file *f = file_get(s, file);
    return f && f->text;
}
