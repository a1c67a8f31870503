/* SPDX-License-Identifier: MIT */
#include "braces.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* No function is longer. */
#define MAX_BYTES (4u << 20)
/* Preprocessor conditions in each other. */
#define MAX_CONDITIONS 64
/* Of the delimiter of a raw string; C++ allows 16. */
#define MAX_DELIMITER 64

struct scan {
    enum braces_language language;
    const char *at, *end;
    uint32_t line;
    char before; /* the character before `at` */
};

enum braces_language braces_language(const char *file)
{
    static const char *const c_family[] = {".c",   ".h",   ".cc",  ".hh",  ".cpp", ".hpp", ".cxx",
                                           ".hxx", ".c++", ".h++", ".C",   ".H",   ".inc", ".inl",
                                           ".ipp", ".tpp", ".tcc", ".txx", ".ixx", ".m",   ".mm",
                                           ".cu",  ".cuh", ".def", ".y",   ".l"};
    const char *slash = strrchr(file, '/');
    const char *dot = strrchr(slash ? slash : file, '.');
    if (!dot)
        return BRACES_C; /* the headers of C++'s library */
    if (strcmp(dot, ".rs") == 0)
        return BRACES_RUST;
    for (size_t i = 0; i < sizeof c_family / sizeof *c_family; i++)
        if (strcmp(dot, c_family[i]) == 0)
            return BRACES_C;
    return BRACES_NONE;
}

static bool at_end(const struct scan *s)
{
    return s->at >= s->end;
}

static char peek(const struct scan *s, size_t n)
{
    if (n >= (size_t)(s->end - s->at))
        return '\0';
    return s->at[n];
}

static void skip(struct scan *s, size_t n)
{
    for (; n > 0 && !at_end(s); n--) {
        s->before = *s->at++;
        s->line += s->before == '\n';
    }
}

static void skip_line(struct scan *s, bool continued)
{
    while (!at_end(s) && *s->at != '\n') {
        bool joins = continued && *s->at == '\\';
        skip(s, joins && peek(s, 1) == '\r' ? 3 : joins ? 2 : 1);
    }
}

/* Rust's nest. */
static void skip_block_comment(struct scan *s)
{
    unsigned depth = 0;
    do {
        bool opens = peek(s, 0) == '/' && peek(s, 1) == '*';
        bool closes = peek(s, 0) == '*' && peek(s, 1) == '/';
        if (opens && (depth == 0 || s->language == BRACES_RUST))
            depth++;
        else if (closes)
            depth--;
        skip(s, opens || closes ? 2 : 1);
    } while (depth > 0 && !at_end(s));
}

/* In C a string that the line does not end is none, but an apostrophe or quote in skipped text. */
static void skip_string(struct scan *s)
{
    skip(s, 1);
    while (!at_end(s) && *s->at != '"') {
        if (*s->at == '\n' && s->language != BRACES_RUST)
            return;
        skip(s, *s->at == '\\' ? 2 : 1);
    }
    skip(s, 1);
}

/* Skips up to and with MARK; without it, to the end. */
static void skip_past(struct scan *s, const char *mark, size_t length)
{
    while (!at_end(s) && ((size_t)(s->end - s->at) < length || memcmp(s->at, mark, length) != 0))
        skip(s, 1);
    skip(s, length);
}

/* R"delimiter(text)delimiter", with `at` at the quote. */
static void skip_raw_c(struct scan *s)
{
    char mark[MAX_DELIMITER + 2] = ")";
    size_t n = 0;
    while (n < MAX_DELIMITER && peek(s, n + 1) != '(' && peek(s, n + 1) != '\0') {
        mark[n + 1] = peek(s, n + 1);
        n++;
    }
    mark[n + 1] = '"';
    skip(s, n + 2);
    skip_past(s, mark, n + 2);
}

/* r#"text"#, with `at` after the r. Not so: r#name. */
static void skip_raw_rust(struct scan *s)
{
    char mark[MAX_DELIMITER + 2] = "\"";
    size_t n = 0;
    while (n < MAX_DELIMITER && peek(s, n) == '#') {
        mark[n + 1] = '#';
        n++;
    }
    if (peek(s, n) != '"')
        return;
    skip(s, n + 1);
    skip_past(s, mark, n + 1);
}

/* A character literal, if it is one: neither a lifetime ('a) nor a separator of digits (1'000). */
static void skip_quote(struct scan *s)
{
    if (peek(s, 1) == '\\') {
        skip(s, 3);
        while (!at_end(s) && *s->at != '\'' && *s->at != '\n')
            skip(s, 1);
        skip(s, peek(s, 0) == '\'');
        return;
    }
    size_t n = 2; /* of UTF-8: the bytes that continue */
    while (((unsigned char)peek(s, n) & 0xc0) == 0x80)
        n++;
    skip(s, peek(s, n) == '\'' ? n + 1 : 1);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Skips what is no code, if that is what comes. */
static bool skip_text(struct scan *s)
{
    char c = *s->at, next = peek(s, 1);
    bool rust = s->language == BRACES_RUST;
    if (c == '/' && next == '/') {
        skip_line(s, !rust);
    } else if (c == '/' && next == '*') {
        skip_block_comment(s);
    } else if (rust && c == 'r' && (next == '"' || next == '#') &&
               (!is_word(s->before) || s->before == 'b')) {
        skip(s, 1);
        skip_raw_rust(s);
    } else if (c == '"' && !rust && s->before == 'R') {
        skip_raw_c(s);
    } else if (c == '"') {
        skip_string(s);
    } else if (c == '\'') {
        skip_quote(s);
    } else {
        return false;
    }
    return true;
}

/* The branches of the preprocessor: only one of each condition counts, the first that is not
 * `#if 0`. */
struct conditions {
    unsigned depth;
    bool taken[MAX_CONDITIONS];  /* by depth: a branch was */
    bool hidden[MAX_CONDITIONS]; /* by depth: the current branch is not it */
    unsigned beyond;             /* conditions deeper than that: all their branches count */
};

static bool is_hidden(const struct conditions *c)
{
    for (unsigned i = 0; i < c->depth; i++)
        if (c->hidden[i])
            return true;
    return false;
}

static void open_condition(struct conditions *c, bool never)
{
    if (c->depth == MAX_CONDITIONS) {
        c->beyond++;
        return;
    }
    c->taken[c->depth] = !never;
    c->hidden[c->depth++] = never;
}

static bool starts_with(const struct scan *s, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(s->end - s->at) >= n && memcmp(s->at, word, n) == 0;
}

/* With `at` at the '#'. */
static void take_directive(struct scan *s, struct conditions *c)
{
    do
        skip(s, 1);
    while (peek(s, 0) == ' ' || peek(s, 0) == '\t');
    if (starts_with(s, "if")) {
        open_condition(c, starts_with(s, "if 0") && !is_word(peek(s, 4)));
    } else if (starts_with(s, "endif")) {
        if (c->beyond > 0)
            c->beyond--;
        else if (c->depth > 0)
            c->depth--;
    } else if (starts_with(s, "el") && c->depth > 0 && c->beyond == 0) {
        c->hidden[c->depth - 1] = c->taken[c->depth - 1];
        c->taken[c->depth - 1] = true;
    }
    skip_line(s, true);
}

/* The next character that is code, not passed yet; '\0': there is none. */
static char next_code(struct scan *s, struct conditions *c)
{
    bool line_begins = s->before == '\n';
    while (!at_end(s)) {
        char now = *s->at;
        if (now == '#' && line_begins && s->language == BRACES_C) {
            take_directive(s, c);
            continue;
        }
        if (isspace((unsigned char)now)) {
            line_begins = line_begins || now == '\n';
            skip(s, 1);
            continue;
        }
        line_begins = false;
        if (skip_text(s))
            continue;
        if (!is_hidden(c))
            return now;
        skip(s, 1);
    }
    return '\0';
}

uint32_t braces_last_line(enum braces_language language, const char *text, size_t size,
                          uint32_t first, uint32_t last)
{
    struct scan s = {language, text, text + (size < MAX_BYTES ? size : MAX_BYTES), first, '\n'};
    struct conditions conditions = {.depth = 0};
    unsigned braces = 0, others = 0;
    uint32_t closed = 0; /* where the last block ended */
    for (char c; language != BRACES_NONE && (c = next_code(&s, &conditions));) {
        /* `a{1}, b{2} {` and `: a{1} {` begin with blocks that are not the body. */
        if (braces == 0 && closed && closed >= last && c != '{' && c != ',')
            return closed;
        if (c == '{') {
            if (braces == 0 && !closed && s.line > last + 1)
                return 0;
            braces++;
        } else if (braces > 0 && c == '}') {
            closed = --braces == 0 ? s.line : closed;
        } else if (braces == 0 && (c == '(' || c == '[')) {
            others++;
        } else if (braces == 0 && others > 0 && (c == ')' || c == ']')) {
            others--;
        } else if (braces == 0 && others == 0 && (c == ';' || c == '}')) {
            return 0; /* a declaration, or the end of what is around */
        }
        skip(&s, 1);
    }
    return braces == 0 && closed >= last ? closed : 0;
}
