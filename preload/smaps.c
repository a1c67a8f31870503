/* SPDX-License-Identifier: MIT */
#include "smaps.h"

#include <fcntl.h>
#include <string.h>

#include "sys.h"

/* Nearly all lines are figures, which the kernel formats to one length if they have no more than 8
 * digits; no other line that ends so is as short. */
#define FIGURE_END " kB\n"
#define FIGURE_LENGTH ((size_t)28)

/* Goes past those that nobody asks for: of some twenty lines for each area few matter. */
static void skip_figures(struct smaps *s)
{
    for (; s->used - s->at >= FIGURE_LENGTH; s->at += FIGURE_LENGTH) {
        const char *line = s->buffer + s->at, *end = line + FIGURE_LENGTH + 1 - sizeof FIGURE_END;
        if (line[0] == 'R' || line[0] == 'A' ||
            memcmp(end, FIGURE_END, sizeof FIGURE_END - 1) != 0) {
            return;
        }
    }
}

/* The next line, without its end; NULL after the last. What does not fit the buffer is cut off. */
static char *next_line(struct smaps *s)
{
    for (;;) {
        char *line = s->buffer + s->at;
        char *end = memchr(line, '\n', s->used - s->at);
        if (end) {
            *end = '\0';
            s->at = (size_t)(end + 1 - s->buffer);
            return line;
        }
        memmove(s->buffer, line, s->used - s->at);
        s->used -= s->at;
        s->at = 0;
        if (s->used == sizeof s->buffer) {
            s->used = sizeof s->buffer / 2;
        }
        ssize_t n = sys_read(s->fd, s->buffer + s->used, sizeof s->buffer - s->used);
        if (n <= 0) {
            return NULL;
        }
        s->used += (size_t)n;
    }
}

/* Reads a number in BASE at *P, and goes behind it. */
static uint64_t take_number(const char **p, unsigned base)
{
    uint64_t n = 0;
    for (;; (*p)++) {
        const char c = **p;
        const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                      : base;
        if (digit >= base) {
            return n;
        }
        n = n * base + digit;
    }
}

static const char *word_end(const char *p)
{
    while (*p && *p != ' ') {
        p++;
    }
    return p;
}

static const char *skip_spaces(const char *p)
{
    while (*p == ' ') {
        p++;
    }
    return p;
}

static const char *skip_word(const char *p)
{
    return skip_spaces(word_end(p));
}

/* "START-END PERMISSIONS OFFSET DEVICE INODE   NAME", see proc_pid_maps(5). */
static bool parse_head(const char *line, struct smaps_area *area)
{
    const char *p = line;
    memset(area, 0, sizeof *area);
    area->start = take_number(&p, 16);
    if (p == line || *p++ != '-') {
        return false;
    }
    area->end = take_number(&p, 16);
    if (*p++ != ' ' || word_end(p) != p + 4) {
        return false;
    }
    area->readable = p[0] == 'r';
    area->writable = p[1] == 'w';
    area->shared = p[3] == 's';
    p = skip_word(skip_word(skip_word(p)));
    area->file = take_number(&p, 10) != 0;
    p = skip_spaces(p);
    const size_t length = strnlen(p, sizeof area->name - 1);
    memcpy(area->name, p, length);
    return true;
}

/* The kilobytes of LINE if it begins with KEY, in bytes. */
static void take_bytes(const char *line, const char *key, uint64_t *bytes)
{
    for (; *key; line++, key++) {
        if (*line != *key) {
            return;
        }
    }
    line = skip_spaces(line);
    *bytes = take_number(&line, 10) * 1024;
}

bool smaps_open(struct smaps *s)
{
    s->at = s->used = 0;
    s->fd = sys_open_aside("/proc/self/smaps", O_RDONLY | O_CLOEXEC, 0);
    if (s->fd < 0) {
        return false;
    }
    const char *line = next_line(s);
    s->more = line && parse_head(line, &s->next);
    if (!s->more) {
        sys_close(s->fd);
    }
    return s->more;
}

bool smaps_next(struct smaps *s, struct smaps_area *area)
{
    if (!s->more) {
        return false;
    }
    *area = s->next;
    s->more = false;
    const char *line;
    while (skip_figures(s), (line = next_line(s)) != NULL) {
        /* A head begins with a small digit. */
        if (line[0] == 'R') {
            take_bytes(line, "Rss:", &area->rss_bytes);
        } else if (line[0] == 'A') {
            take_bytes(line, "Anonymous:", &area->anonymous_bytes);
        } else if (line[0] == 'V' && strncmp(line, "VmFlags:", 8) == 0) {
            area->reserved = !strstr(line, " nr");
        } else if ((line[0] < 'A' || line[0] > 'Z') && parse_head(line, &s->next)) {
            s->more = true;
            break;
        }
    }
    return true;
}

void smaps_close(struct smaps *s)
{
    sys_close(s->fd);
}
