/* SPDX-License-Identifier: MIT */
#include "plain.h"

/* The character at *P, which is advanced, or -1 if it is not UTF-8. */
static long next(const unsigned char **p)
{
    const unsigned char *s = *p;
    unsigned n = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;
    long code = n == 1 ? s[0] : s[0] & (0xff >> (n + 1));
    for (unsigned i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (s[i] & 0x3f);
    }
    *p += n;
    bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    return n == 0 || overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? -1 : code;
}

bool plain_text(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        long code = next(&p);
        if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
            code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
            (code >= 0x2066 && code <= 0x2069))
            return false;
    }
    return true;
}
