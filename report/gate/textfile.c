/* SPDX-License-Identifier: MIT */
#include "textfile.h"
#include "input.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reads IN to its end; -1 with the reason in ERROR. */
static int read_all(struct input *in, char **text, size_t *size, struct error *error)
{
    size_t capacity = 0;
    ssize_t n;
    *text = NULL;
    *size = 0;
    do {
        *text = mem_grow(*text, &capacity, *size + BUFSIZ + 1, 1);
        n = input_read(in, *text + *size, BUFSIZ, error);
        if (n < 0)
            return -1;
        *size += (size_t)n;
        if (*size > TEXTFILE_MAX_BYTES)
            return error_set(error, "is larger than %zu MiB, expected a small text file",
                             TEXTFILE_MAX_BYTES >> 20);
    } while (n > 0);
    (*text)[*size] = '\0';
    return 0;
}

/* Where the text that LENGTH bytes lead to is. */
static struct textfile_position position_of(const char *text, size_t length)
{
    struct textfile_position p = {1, 1};
    for (size_t i = 0; i < length; i++) {
        p.column = text[i] == '\n' ? 1 : p.column + 1;
        p.line += text[i] == '\n';
    }
    return p;
}

/* Whether PATH is something that ends and holds text, or is not there at all. */
static int check_type(const char *path, struct error *error)
{
    struct stat st;
    if (strcmp(path, "-") == 0 || stat(path, &st) || S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))
        return 0;
    return error_set(error, "is a %s, expected a text file",
                     S_ISDIR(st.st_mode) ? "directory" : "device");
}

/* Takes off the mark that some editors put at the beginning of UTF-8. */
static void drop_mark(char *text, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = sizeof mark - 1;
    if (strncmp(text, mark, n) == 0) {
        *size -= n;
        memmove(text, text + n, *size + 1);
    }
}

char *textfile_read(const char *path, struct error *error)
{
    if (check_type(path, error))
        return NULL;
    struct input *in = input_open(path, NULL, NULL, error);
    char *text = NULL;
    size_t size = 0;
    if (!in)
        return NULL;
    int result = read_all(in, &text, &size, error);
    input_close(in);
    if (result == 0)
        drop_mark(text, &size);
    if (result == 0 && strlen(text) < size) {
        struct textfile_position p = position_of(text, strlen(text));
        result = error_set(error, TEXTFILE_WHERE "is a NUL byte, expected a text file", p.line,
                           p.column);
    }
    if (result == 0)
        return text;
    free(text);
    return NULL;
}

char *textfile_line(char **at)
{
    char *line = *at;
    if (!*line)
        return NULL;
    size_t n = strcspn(line, "\n");
    *at = line + n + (line[n] == '\n');
    while (n && strchr(" \t\r", line[n - 1]))
        n--;
    line[n] = '\0';
    return line;
}

int textfile_refuse(struct error *error, struct textfile_position p, const char *word,
                    const char *wrong)
{
    const int most = 60;
    if (!*word)
        return error_set(error, TEXTFILE_WHERE "%s", p.line, p.column, wrong);
    return error_set(error, TEXTFILE_WHERE "'%.*s%s': %s", p.line, p.column, most, word,
                     strlen(word) > (size_t)most ? ".." : "", wrong);
}
