/* SPDX-License-Identifier: MIT */
#include "suppressions.h"
#include "memory.h"
#include "pattern.h"
#include "pool.h"
#include "quantity.h"
#include "textfile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MARK "memprof:"

struct parser {
    struct suppressions *s;
    const char *today;
    struct error *error;
    const char *line; /* its beginning, for columns */
    size_t number;
    /* What the last `#memprof:` said about the entry to come. */
    struct suppression next;
    bool pending;
    struct textfile_position said;
};

const char *suppressions_today(char buffer[SUPPRESSIONS_DAY])
{
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(buffer, SUPPRESSIONS_DAY, "%Y-%m-%d", &tm);
    return buffer;
}

struct suppressions suppressions_new(void)
{
    return (struct suppressions){.strings = pool_new()};
}

void suppressions_free(struct suppressions *s)
{
    free(s->list);
    pool_free(s->strings);
    *s = (struct suppressions){0};
}

static int refuse(const struct parser *p, const char *at, const char *wrong)
{
    struct textfile_position where = {p->number, (size_t)(at - p->line) + 1};
    return textfile_refuse(p->error, where, at, wrong);
}

static int add_entry(struct parser *p, const char *pattern, bool only)
{
    struct suppressions *s = p->s;
    if (!*pattern)
        return refuse(p, pattern,
                      only ? "expected a pattern after 'only:'"
                           : "expected a pattern after 'leak:'");
    if (p->pending && only)
        return refuse(p, p->line, "an allow-list entry takes no anchors, expected leak:PATTERN");
    struct suppression entry = p->pending ? p->next : (struct suppression){0};
    entry.pattern = pool_intern(s->strings, pattern);
    entry.line = p->number;
    entry.only = only;
    if (!entry.names)
        entry.names = SUPPRESS_NAMES;
    entry.expired = entry.expires && strcmp(p->today, entry.expires) >= 0;
    entry.origin = p->next.origin;
    s->list = mem_grow(s->list, &s->capacity, s->n + 1, sizeof *s->list);
    s->list[s->n++] = entry;
    s->has_only = s->has_only || only;
    p->next = (struct suppression){.origin = p->next.origin};
    p->pending = false;
    return 0;
}

static int set_expires(struct parser *p, const char *word)
{
    struct error reason = {""};
    if (quantity_date(word, &reason))
        return refuse(p, word, reason.text);
    p->next.expires = pool_intern(p->s->strings, word);
    return 0;
}

/* Cuts the next word out of the text at *AT; NULL at its end. */
static char *take_word(char **at)
{
    char *word = *at + strspn(*at, " \t,");
    size_t n = strcspn(word, " \t,");
    if (!n) {
        *at = word;
        return NULL;
    }
    *at = word + n + (word[n] != '\0');
    word[n] = '\0';
    return word;
}

/* One that takes a value, as `issue TEXT` or `issue=TEXT`. Returns 1 if WORD is not such a one. */
static int take_valued(struct parser *p, char *word, char **rest)
{
    static const char *const names[] = {"expires", "issue"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(word, names[i], n) != 0 || (word[n] && word[n] != '='))
            continue;
        char *end = word + n;
        char *value = *end ? end + 1 : take_word(rest);
        if (!value || !*value)
            return refuse(p, value ? value : end,
                          i ? "expected the link of an issue" : "expected a date after 'expires'");
        if (i == 0)
            return set_expires(p, value);
        p->next.issue = pool_intern(p->s->strings, value);
        return 0;
    }
    return 1;
}

static int take_anchor(struct parser *p, const char *word)
{
    static const struct {
        const char *name;
        unsigned names;
    } anchors[] = {
        {"function", SUPPRESS_FUNCTION}, {"file", SUPPRESS_FILE}, {"module", SUPPRESS_MODULE}};
    if (strcmp(word, "top") == 0) {
        p->next.top = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        if (strcmp(word, anchors[i].name) == 0) {
            p->next.names |= anchors[i].names;
            return 0;
        }
    }
    return refuse(p, word,
                  "is not known, expected top, function, file, module, expires DATE, issue LINK or "
                  "only:PATTERN");
}

/* What follows `#memprof:`. */
static int take_directive(struct parser *p, char *rest)
{
    char *word = rest + strspn(rest, " \t");
    if (strncmp(word, "only:", 5) == 0)
        return add_entry(p, word + 5, true);
    p->said = (struct textfile_position){p->number, (size_t)(word - p->line) + 1};
    p->pending = true;
    while ((word = take_word(&rest))) {
        int result = take_valued(p, word, &rest);
        if (result > 0)
            result = take_anchor(p, word);
        if (result)
            return -1;
    }
    return 0;
}

static int take_line(struct parser *p, char *line)
{
    p->line = line;
    line += strspn(line, " \t");
    if (*line == '#') {
        char *comment = line + 1 + strspn(line + 1, " \t");
        if (strncmp(comment, MARK, sizeof MARK - 1) != 0)
            return 0;
        return take_directive(p, comment + sizeof MARK - 1);
    }
    if (!*line)
        return 0;
    if (strncmp(line, "leak:", 5) == 0)
        return add_entry(p, line + 5, false);
    if (strncmp(line, "only:", 5) == 0)
        return add_entry(p, line + 5, true);
    return refuse(p, line, "is not a suppression, expected leak:PATTERN or a comment");
}

int suppressions_parse(struct suppressions *s, const char *origin, char *text, const char *today,
                       struct error *error)
{
    struct parser p = {.s = s, .today = today, .error = error};
    char *line;
    p.next.origin = pool_intern(s->strings, origin);
    while ((line = textfile_line(&text))) {
        p.number++;
        if (take_line(&p, line))
            return -1;
    }
    if (p.pending)
        return error_set(error, TEXTFILE_WHERE "nothing follows '#" MARK "', expected leak:PATTERN",
                         p.said.line, p.said.column);
    return 0;
}

int suppressions_read(struct suppressions *s, const char *path, const char *today,
                      struct error *error)
{
    char *text = textfile_read(path, error);
    if (!text)
        return -1;
    int result = suppressions_parse(s, path, text, today, error);
    free(text);
    return result;
}

bool suppression_matches(const struct suppression *s, const char *function, const char *file,
                         const char *module)
{
    return ((s->names & SUPPRESS_FUNCTION) && pattern_matches(s->pattern, function)) ||
           ((s->names & SUPPRESS_FILE) && pattern_matches(s->pattern, file)) ||
           ((s->names & SUPPRESS_MODULE) && pattern_matches(s->pattern, module));
}
