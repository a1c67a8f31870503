/* SPDX-License-Identifier: MIT */
#include "limits.h"
#include "memory.h"
#include "pool.h"
#include "quantity.h"
#include "textfile.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET(name) offsetof(struct dump_counters, name)

const struct limit_kind limit_kinds[] = {
    {"max-live", OFFSET(live_bytes), true, true, "not freed", NULL},
    {"max-live-blocks", OFFSET(live_count), false, true, "blocks not freed", "block not freed"},
    {"max-peak", OFFSET(peak_bytes), true, false, "held at the peak", NULL},
    {"max-allocs", OFFSET(alloc_count), false, false, "allocations", "allocation"},
    {"max-allocated", OFFSET(alloc_bytes), true, false, "allocated", NULL},
    {"max-temporary", OFFSET(temporary_count), false, false, "temporary allocations",
     "temporary allocation"},
    {NULL, 0, false, false, NULL, NULL}};

struct parser {
    struct limits *l;
    struct error *error;
    const char *line;
    size_t number;
};

struct limits limits_new(void)
{
    return (struct limits){.strings = pool_new()};
}

void limits_free(struct limits *l)
{
    free(l->list);
    pool_free(l->strings);
    *l = (struct limits){0};
}

uint64_t limit_figure(const struct limit_kind *kind, const struct dump_counters *c)
{
    uint64_t figure;
    memcpy(&figure, (const char *)c + kind->offset, sizeof figure);
    return figure;
}

static int refuse(const struct parser *p, const char *at, const char *wrong)
{
    struct textfile_position where = {p->number, (size_t)(at - p->line) + 1};
    return textfile_refuse(p->error, where, at, wrong);
}

static bool is_open(const char *text)
{
    const char *word = text + strspn(text, " \t");
    return *word == '"' && !strchr(word + 1, '"');
}

/* Cuts the next word, or what is in quotes, out of the text at *AT; NULL at its end. */
static char *take_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    bool quoted = *word == '"';
    word += quoted;
    size_t n = strcspn(word, quoted ? "\"" : " \t");
    if (!n && !quoted) {
        *at = word;
        return NULL;
    }
    *at = word + n + (word[n] != '\0');
    word[n] = '\0';
    return word;
}

/* The colon that parts file and function; those of `ns::function` do not. */
static char *find_colon(char *subject)
{
    for (char *s = subject; *s; s++) {
        if (*s != ':')
            continue;
        if (s[1] != ':')
            return s;
        s++;
    }
    return NULL;
}

/* A line number is for the line, all else for a function. */
static int set_inner(struct parser *p, struct limit *limit, const char *inner)
{
    uint64_t line;
    struct error ignored = {""};
    if (!*inner)
        return refuse(p, inner, "expected a function or a line after the colon");
    if (!isdigit((unsigned char)*inner)) {
        limit->function = pool_intern(p->l->strings, inner);
        return 0;
    }
    if (quantity_count(inner, &line, &ignored) || line == 0 || line > INT32_MAX)
        return refuse(p, inner, "expected the number of a line");
    limit->at = (uint32_t)line;
    return 0;
}

static int set_subject(struct parser *p, struct limit *limit, char *subject)
{
    struct pool *strings = p->l->strings;
    char *colon = find_colon(subject);
    if (!*subject)
        return refuse(p, subject, "expected FILE:FUNCTION, FILE:LINE, FILE, FUNCTION or *");
    limit->subject = pool_intern(strings, subject);
    if (strcmp(subject, "*") == 0)
        return 0;
    if (colon) {
        if (set_inner(p, limit, colon + 1))
            return -1;
        *colon = '\0';
        if (*subject && strcmp(subject, "*") != 0)
            limit->file = pool_intern(strings, subject);
        if (limit->at && !limit->file)
            return refuse(p, subject, "a line without a file, expected FILE:LINE");
        return 0;
    }
    if (strpbrk(subject, "./"))
        limit->file = pool_intern(strings, subject);
    else
        limit->function = pool_intern(strings, subject);
    return 0;
}

static const struct limit_kind *find_kind(const char *name)
{
    for (const struct limit_kind *k = limit_kinds; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

static int refuse_kind(const struct parser *p, const char *word)
{
    char wrong[256] = "is not a limit, expected one of:";
    size_t at = strlen(wrong);
    for (const struct limit_kind *k = limit_kinds; k->name; k++)
        at += (size_t)snprintf(wrong + at, sizeof wrong - at, " %s", k->name);
    return refuse(p, word, wrong);
}

static int add_limit(struct parser *p, const struct limit *limit, const char *word)
{
    struct limits *l = p->l;
    for (size_t i = 0; i < l->n; i++) {
        const struct limit *other = &l->list[i];
        if (other->kind != limit->kind || other->subject != limit->subject)
            continue;
        char wrong[128];
        snprintf(wrong, sizeof wrong, "was given before, in line %zu, expected it once",
                 other->line);
        return refuse(p, word, wrong);
    }
    l->list = mem_grow(l->list, &l->capacity, l->n + 1, sizeof *l->list);
    l->list[l->n++] = *limit;
    return 0;
}

/* One pair. WORD: the name of the limit. */
static int take_pair(struct parser *p, struct limit *limit, const char *word, char **rest)
{
    struct error reason = {""};
    limit->kind = find_kind(word);
    if (!limit->kind)
        return refuse_kind(p, word);
    const char *value = take_word(rest);
    const char *at = value ? value : *rest;
    if (limit->kind->bytes ? quantity_size(value ? value : "", &limit->most, &reason)
                           : quantity_count(value ? value : "", &limit->most, &reason))
        return refuse(p, at, reason.text);
    return add_limit(p, limit, word);
}

static int take_line(struct parser *p, const char *origin, char *line)
{
    struct limit limit = {.origin = origin, .line = p->number};
    p->line = line;
    if (is_open(line))
        return refuse(p, line + strspn(line, " \t"), "lacks the quote at its end");
    char *word = take_word(&line);
    if (!word || *word == '#')
        return 0;
    if (set_subject(p, &limit, word))
        return -1;
    size_t before = p->l->n;
    while ((word = take_word(&line)) && *word != '#')
        if (take_pair(p, &limit, word, &line))
            return -1;
    if (p->l->n == before)
        return refuse(p, line, "expected a limit, such as max-live 2M");
    return 0;
}

int limits_parse(struct limits *l, const char *origin, char *text, struct error *error)
{
    struct parser p = {.l = l, .error = error};
    char *line;
    origin = pool_intern(l->strings, origin);
    while ((line = textfile_line(&text))) {
        p.number++;
        if (take_line(&p, origin, line))
            return -1;
    }
    return 0;
}

int limits_read(struct limits *l, const char *path, struct error *error)
{
    char *text = textfile_read(path, error);
    if (!text)
        return -1;
    size_t before = l->n;
    int result = limits_parse(l, path, text, error);
    free(text);
    if (result == 0 && l->n == before)
        return error_set(error,
                         "has no limit in it, expected lines such as: src/a.c:f max-live 2M");
    return result;
}
