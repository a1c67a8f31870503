/* SPDX-License-Identifier: MIT */
#include "quote.h"

#include <stdbool.h>
#include <string.h>

size_t quote_decode(const char *s, unsigned *c)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) {
        *c = u[0];
        return 1;
    }
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    unsigned value = u[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (u[i] & 0x3f);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *c = value;
    return n;
}

/* Characters that show nothing of their own, or change how others show. */
static bool is_hostile(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/* Prints as much of S as is printable ASCII but for the characters of SPECIAL, in one go: nearly
 * all of every string. Returns what is left. */
static const char *put_plain(FILE *out, const char *s, const char *special)
{
    size_t n = 0;
    while (s[n] >= 0x20 && s[n] < 0x7f && !strchr(special, s[n]))
        n++;
    if (n)
        fwrite(s, 1, n, out);
    return s + n;
}

/* Prints the character at S, escaped if need be, and returns its length. */
static size_t put_text(FILE *out, const char *s)
{
    unsigned c = 0;
    size_t n = quote_decode(s, &c);
    if (n == 0) {
        fprintf(out, "\\x%02x", (unsigned char)*s);
        return 1;
    }
    if (!is_hostile(c))
        fwrite(s, 1, n, out);
    else
        fprintf(out, c < 0xa0 ? "\\x%02x" : "\\u%04x", c);
    return n;
}

void quote_text(FILE *out, const char *s)
{
    while (*(s = put_plain(out, s, "")))
        s += put_text(out, s);
}

void quote_json(FILE *out, const char *s)
{
    if (!s) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    while (*(s = put_plain(out, s, "\"\\"))) {
        unsigned c = 0;
        size_t n = quote_decode(s, &c);
        if (n == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", (int)c);
        else if (c < 0x10000 && is_hostile(c))
            fprintf(out, "\\u%04x", c);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    fputc('"', out);
}

void quote_csv(FILE *out, const char *s)
{
    bool formula = *s && strchr("=+-@", *s);
    bool quoted = formula || s[strcspn(s, ",\"'")] || *s == ' ';
    if (quoted)
        fputc('"', out);
    if (formula)
        fputc('\'', out);
    while (*(s = put_plain(out, s, "\""))) {
        if (*s == '"')
            fputc('"', out);
        s += put_text(out, s);
    }
    if (quoted)
        fputc('"', out);
}

void quote_markdown(FILE *out, const char *s)
{
    while (*(s = put_plain(out, s, "<>&\\`*_[]|~#!"))) {
        const char *entity = *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : NULL;
        if (entity) {
            fputs(entity, out);
            s++;
            continue;
        }
        if (strchr("\\`*_[]|~#!", *s))
            fputc('\\', out);
        s += put_text(out, s);
    }
}
