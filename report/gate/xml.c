/* SPDX-License-Identifier: MIT */
#include "xml.h"
#include "quote.h"

#include <stdbool.h>
#include <string.h>

/* What XML allows of the characters that quote_text would print as they are. */
static void put_character(FILE *out, const char *s, size_t n, bool attribute)
{
    static const char *const entities[][2] = {
        {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&apos;"}};
    char one[8] = "";
    memcpy(one, s, n);
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strcmp(one, entities[i][0]) == 0) {
            fputs(entities[i][1], out);
            return;
        }
    }
    if (*one == '\n' || *one == '\t')
        fputs(!attribute ? one : *one == '\n' ? "&#10;" : "&#9;", out);
    else if (strcmp(one, "\xef\xbf\xbe") == 0 || strcmp(one, "\xef\xbf\xbf") == 0)
        fputs("\xef\xbf\xbd", out); /* noncharacters, which XML forbids */
    else
        quote_text(out, one);
}

static void put_text(FILE *out, const char *s, bool attribute)
{
    unsigned c;
    while (*s) {
        size_t n = quote_decode(s, &c);
        n = n ? n : 1;
        put_character(out, s, n, attribute);
        s += n;
    }
}

void xml_content(FILE *out, const char *text)
{
    put_text(out, text, false);
}

void xml_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_text(out, value, true);
    fputc('"', out);
}
