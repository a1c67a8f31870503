/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sys.h"

struct text text_begin(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct text){.buffer = buffer, .size = size};
}

void text_char(struct text *t, char c)
{
    if (t->length + 1 >= t->size) {
        t->cut = true;
        return;
    }
    t->buffer[t->length++] = c;
    t->buffer[t->length] = '\0';
}

void text_string(struct text *t, const char *s)
{
    for (; *s; s++) {
        text_char(t, *s);
    }
}

size_t text_utf8(const unsigned char *s, uint32_t *character)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } form[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t f = 0; f < 3; f++) {
        if ((s[0] & form[f].mask) != form[f].lead) {
            continue;
        }
        uint32_t c = s[0] & (unsigned char)~form[f].mask;
        for (size_t i = 1; i <= f + 1; i++) {
            if ((s[i] & 0xc0) != 0x80) {
                return 0;
            }
            c = c << 6 | (s[i] & 0x3fu);
        }
        *character = c;
        bool valid = c >= form[f].least && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        return valid ? f + 2 : 0;
    }
    return 0;
}

void text_printable(struct text *t, const char *string, size_t max)
{
    const unsigned char *s = (const unsigned char *)string;
    size_t i = 0;
    while (i < max && s[i]) {
        uint32_t character = s[i];
        size_t n = s[i] < 0x80 ? 1 : text_utf8(s + i, &character);
        /* Neither control characters (C0, DEL, C1), nor those that turn the direction of text, nor
         * what is not UTF-8. */
        bool shown = n > 0 && character >= 0x20 && (character < 0x7f || character >= 0xa0) &&
                     !(character >= 0x200e && character <= 0x200f) &&
                     !(character >= 0x202a && character <= 0x202e) &&
                     !(character >= 0x2066 && character <= 0x2069) && character != 0x61c;
        if (!shown) {
            text_char(t, '?');
        }
        for (size_t k = 0; shown && k < n; k++) {
            text_char(t, (char)s[i + k]);
        }
        i += n ? n : 1;
    }
    if (s[i]) {
        text_string(t, "...");
    }
}

void text_padded(struct text *t, uint64_t n, unsigned digits)
{
    char reversed[20];
    unsigned i = 0;
    do {
        reversed[i++] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    while (digits > i) {
        text_char(t, '0');
        digits--;
    }
    while (i > 0) {
        text_char(t, reversed[--i]);
    }
}

void text_number(struct text *t, uint64_t n)
{
    text_padded(t, n, 1);
}

void text_proc(char *path, size_t size, int pid, const char *name)
{
    struct text t = text_begin(path, size);
    text_string(&t, "/proc/");
    if (pid) {
        text_number(&t, (uint64_t)pid);
    } else {
        text_string(&t, "self");
    }
    text_char(&t, '/');
    text_string(&t, name);
}

/* Days since 1970-01-01 to a civil date, by counting from 1 March of year 0, so that the leap day
 * is a year's last; 146097 days are 400 years. */
void text_time(struct text *t, int64_t seconds, uint32_t nanoseconds)
{
    uint64_t in_day = (uint64_t)(seconds % 86400);
    uint64_t day = (uint64_t)(seconds / 86400) + 719468;
    uint64_t era = day / 146097, of_era = day % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    text_padded(t, year + era * 400 + (month >= 10), 4);
    text_char(t, '-');
    text_padded(t, month < 10 ? month + 3 : month - 9, 2);
    text_char(t, '-');
    text_padded(t, of_year - (153 * month + 2) / 5 + 1, 2);
    text_char(t, 'T');
    text_padded(t, in_day / 3600, 2);
    text_char(t, ':');
    text_padded(t, in_day / 60 % 60, 2);
    text_char(t, ':');
    text_padded(t, in_day % 60, 2);
    text_char(t, '.');
    text_padded(t, nanoseconds / 1000000, 3);
    text_char(t, 'Z');
}

static struct {
    bool known;
    dev_t device;
    ino_t inode;
    char path[256]; /* "" if it has none: a pipe, a socket */
} error_output;

static bool is_error_output(int fd)
{
    struct stat status;
    return !error_output.known ||
           (sys_stat(fd, "", &status, AT_EMPTY_PATH) == 0 && status.st_dev == error_output.device &&
            status.st_ino == error_output.inode);
}

void say_start(void)
{
    struct stat status;
    if (sys_stat(2, "", &status, AT_EMPTY_PATH) != 0) {
        return;
    }
    error_output.device = status.st_dev;
    error_output.inode = status.st_ino;
    long n = sys_call(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/fd/2", (long)error_output.path,
                      sizeof error_output.path - 1, 0, 0);
    bool usable = n > 0 && n < (long)sizeof error_output.path - 1 && error_output.path[0] == '/';
    error_output.path[usable ? n : 0] = '\0';
    error_output.known = true;
}

/* Writes LINE to standard error, or opens it again where the program has closed it. */
static void write_line(const char *line, size_t length)
{
    if (is_error_output(2)) {
        (void)sys_write_all(2, line, length);
        return;
    }
    if (!error_output.path[0]) {
        return;
    }
    int fd =
        sys_open(error_output.path, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd >= 0) {
        if (is_error_output(fd)) {
            (void)sys_write_all(fd, line, length);
        }
        sys_close(fd);
    }
}

void say(const char *subject, const char *message)
{
    char line[1024];
    struct text t = text_begin(line, sizeof line);
    text_string(&t, "memprof: ");
    if (subject) {
        text_char(&t, '\'');
        text_printable(&t, subject, 512);
        text_string(&t, "': ");
    }
    text_string(&t, message);
    if (t.length > sizeof line - 2) {
        t.length = sizeof line - 2;
    }
    line[t.length++] = '\n';
    write_line(line, t.length);
}

const char *error_text(int negative_errno)
{
    switch (-negative_errno) {
    case ENOENT:
        return "no such directory";
    case EACCES:
    case EPERM:
        return "permission denied";
    case ENOSPC:
    case EDQUOT:
        return "no space left";
    case EROFS:
        return "read-only file system";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    case EISDIR:
        return "is a directory, expected the name of a file";
    case ENOTDIR:
        return "a part of the path is not a directory";
    case ENAMETOOLONG:
        return "file name too long";
    case EFBIG:
        return "file too large";
    case EEXIST:
        return "exists already";
    case ELOOP:
        return "is a symbolic link";
    case ENOMEM:
        return "out of memory";
    case EBADF:
        return "the program closes it while it is written";
    case EBUSY:
        return "the profiler's tables are in use";
    default:
        return "input/output error";
    }
}
