/* SPDX-License-Identifier: MIT */
#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Decodes one character of TEXT. Returns its bytes, 0 if they are not UTF-8 (overlong forms,
 * surrogates and what is beyond U+10FFFF included). */
static size_t decode(const unsigned char *text, size_t length, uint32_t *code)
{
    unsigned char lead = text[0];
    size_t n = sequence_length(lead);
    if (n == 0 || n > length)
        return 0;
    uint32_t value = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3f);
    }
    bool overlong = (n == 3 && value < 0x800) || (n == 4 && value < 0x10000);
    if (overlong || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff)
        return 0;
    *code = value;
    return n;
}

/* Controls of the bidirectional algorithm, and the separators that some viewers break lines at. */
static bool reorders(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

struct output {
    char *text;
    size_t length;
    size_t column;
};

static void put(struct output *o, const char *bytes, size_t n, size_t columns)
{
    memcpy(o->text + o->length, bytes, n);
    o->length += n;
    o->column += columns;
}

static void put_escape(struct output *o, bool character, uint32_t value)
{
    char escape[16];
    int n = character ? snprintf(escape, sizeof escape, "\\u%04x", value)
                      : snprintf(escape, sizeof escape, "\\x%02x", value);
    put(o, escape, (size_t)n, (size_t)n);
}

char *escape_text(const char *text, size_t length, unsigned tab_width)
{
    bool cut = length > ESCAPE_MAX_BYTES;
    if (cut)
        length = ESCAPE_MAX_BYTES;
    /* No byte becomes longer than \xNN, but for tabs. */
    size_t widest = tab_width > 4 ? tab_width : 4;
    struct output o = {.text = malloc(length * widest + sizeof "..")};
    if (!o.text)
        return NULL;
    for (size_t i = 0; i < length;) {
        uint32_t code = (unsigned char)text[i];
        size_t n = decode((const unsigned char *)text + i, length - i, &code);
        if (code == '\t' && tab_width > 0) {
            do
                put(&o, " ", 1, 1);
            while (o.column % tab_width != 0);
        } else if (n > 1 && reorders(code)) {
            put_escape(&o, true, code);
        } else if (n == 0 || is_control(code)) {
            put_escape(&o, false, code);
        } else {
            put(&o, text + i, n, 1);
        }
        i += n > 0 ? n : 1;
    }
    if (cut)
        put(&o, "..", 2, 2);
    o.text[o.length] = '\0';
    char *fitted = realloc(o.text, o.length + 1);
    return fitted ? fitted : o.text;
}
