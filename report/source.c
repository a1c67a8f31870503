/* SPDX-License-Identifier: MIT */
#include "source.h"

#include "escape.h"
#include "source_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define TAB_WIDTH 8
/* An indexed file takes 16 bytes a line: what has more lines than this is no source text. */
#define MAX_LINES (8u << 20)

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
    struct source_roots roots;
    struct file *files;
    void (*warn)(void *arg, const char *message);
    void *warn_arg;
    bool warned_outside; /* once is enough */
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
    source_roots_free(&s->roots);
    free(s);
}

int sources_add_root(struct sources *s, const char *spec, const char **error)
{
    return source_roots_add(&s->roots, spec, error);
}

void sources_only_roots(struct sources *s)
{
    s->roots.only = true;
}

void sources_on_warning(struct sources *s, void (*warn)(void *arg, const char *message), void *arg)
{
    s->warn = warn;
    s->warn_arg = arg;
}

/* That there is a file, but none that can be shown. */
static void warn_unreadable(struct sources *s, const struct file *f, const char *why)
{
    char message[1024];
    if (!s->warn || (why == SOURCE_OUTSIDE && s->warned_outside))
        return;
    s->warned_outside = s->warned_outside || why == SOURCE_OUTSIDE;
    snprintf(message, sizeof message, "'%s': %s, its lines are shown without their text",
             f->mapped ? f->mapped : f->name, why);
    s->warn(s->warn_arg, message);
}

/* Reads at most SIZE bytes; a file that shrinks meanwhile is shorter. NULL with errno on failure.
 */
static char *read_whole(int fd, size_t *size)
{
    char *text = malloc(*size + 1);
    size_t got = 0;
    while (text && got < *size) {
        ssize_t n = read(fd, text + got, *size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(text);
            return NULL;
        }
        if (n == 0)
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

/* Takes over the descriptor; sets found->why if the file cannot be had. */
static void read_found(struct file *f, struct source_found *found)
{
    struct stat st;
    f->changed = fstat(found->fd, &st) == 0 ? st.st_mtime : 0;
    f->text = read_whole(found->fd, &f->size);
    if (!f->text)
        found->why = strerror(errno);
    close(found->fd);
    if (f->text && index_lines(f) != 0) {
        free(f->text);
        f->text = NULL;
        f->nlines = 0;
        found->why = "has too many lines for a source file";
    }
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
    struct source_found found = source_find(&s->roots, name);
    f->mapped = found.mapped;
    f->size = found.size;
    if (found.fd >= 0)
        read_found(f, &found);
    if (found.why)
        warn_unreadable(s, f, found.why);
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
    struct file *f = s->roots.n > 0 ? file_get(s, file) : NULL;
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
