/* SPDX-License-Identifier: MIT
 *
 * Bytes as a name of a function, a file, a thread or a symbol: through the demangler and through
 * every way of quoting it for output. What comes out is plain, and in the syntax it was quoted for.
 */
#include "escape.h"
#include "function_name.h"
#include "fuzz.h"
#include "plain.h"
#include "quote.h"
#include "symbolize.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE (16 << 10)
#define FIXED_BYTES ((size_t)256 << 10) /* demangled, and escaped: see demangle.c, escape.h */

/* What QUOTE prints of NAME. */
static char *quoted(void (*quote)(FILE *, const char *), const char *name)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    quote(out, name);
    fclose(out);
    if (!plain_text(text))
        abort();
    return text;
}

static void check_json(const char *name)
{
    char *text = quoted(quote_json, name);
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!json_is_string(value))
        abort();
    json_decref(value);
    free(text);
}

/* One field, and none that a spreadsheet takes for a formula. */
static void check_csv(const char *name)
{
    char *text = quoted(quote_csv, name);
    size_t n = strlen(text);
    if (*text && strchr("=+-@", *text))
        abort();
    if (*text == '"') {
        if (n < 2 || text[n - 1] != '"' || (text[1] && strchr("=+-@", text[1])))
            abort();
        for (size_t i = 1; i < n - 1; i++)
            if (text[i] == '"' && text[++i] != '"')
                abort();
    } else if (strpbrk(text, ",\"")) {
        abort();
    }
    free(text);
}

static void check_markdown(const char *name)
{
    char *text = quoted(quote_markdown, name);
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (strchr("<>`*_[]|~#!", *p))
            abort();
    }
    free(text);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    if (size > MAX_SIZE)
        return -1;
    char *name = malloc(size + 1);
    if (!name)
        abort();
    if (size)
        memcpy(name, data, size);
    name[size] = '\0';
    free(quoted(quote_text, name));
    check_json(name);
    check_csv(name);
    check_markdown(name);
    char *escaped = escape_text(name, size, size % 2 ? 8 : 0);
    if (!escaped || !plain_text(escaped))
        abort();
    free(escaped);
    char *demangled = demangle(name);
    if (demangled && !plain_text(demangled))
        abort();
    char *plain = function_name_plain(demangled ? demangled : name);
    function_name_matches(name, "*a(*)::b*");
    free(plain);
    free(demangled);
    free(name);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
