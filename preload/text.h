/* SPDX-License-Identifier: MIT
 *
 * Building short strings without stdio and without allocating: a cursor into a caller's buffer that
 * never overflows and remembers whether it would have. Always NUL-terminated. Signal-safe.
 */
#ifndef PRELOAD_TEXT_H
#define PRELOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *buffer;
    size_t size, length; /* size > 0 */
    bool cut;
};

struct text text_begin(char *buffer, size_t size);
void text_char(struct text *t, char c);
void text_string(struct text *t, const char *s);
/* How many bytes the UTF-8 character at S, of 0x80 or above, has; 0 if it is none (RFC 3629). */
size_t text_utf8(const unsigned char *s, uint32_t *character);

/* About MAX bytes of S; what a terminal must not see becomes '?'. */
void text_printable(struct text *t, const char *s, size_t max);
void text_number(struct text *t, uint64_t n);
/* With at least DIGITS digits, zeros in front. */
void text_padded(struct text *t, uint64_t n, unsigned digits);

/* PATH, of SIZE bytes, becomes "/proc/PID/NAME"; PID 0: this process's. 40 are enough for what is
 * read there. */
void text_proc(char *path, size_t size, int pid, const char *name);

/* UNIX time SECONDS as RFC 3339 in UTC, with NANOSECONDS cut to milliseconds. */
void text_time(struct text *t, int64_t seconds, uint32_t nanoseconds);

/* Remembers what standard error is. From then on messages go there even if the program has closed
 * its descriptor, as far as it can be opened again, and never into a file that has its number now.
 */
void say_start(void);

/* Writes "memprof: MESSAGE\n" to standard error, in one write. SUBJECT, if not NULL, is put in
 * quotes between: "memprof: 'SUBJECT': MESSAGE". */
void say(const char *subject, const char *message);

/* What the kernel's error number NEGATIVE_ERRNO means, in a few words. */
const char *error_text(int negative_errno);

#endif
