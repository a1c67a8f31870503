/* SPDX-License-Identifier: MIT
 *
 * Stacks written as text, outermost first: "main+2 work+-2 libc.so:? get". A frame is of the module
 * "prog" unless another is named; "?" has no name.
 */
#ifndef IDENTITY_TEXT_H
#define IDENTITY_TEXT_H

#include "identity.h"
#include "test.h"

static inline uint32_t stack_of(struct identities *t, const char *text)
{
    char copy[512], *rest = copy;
    uint32_t node = IDENTITY_ROOT;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    for (char *word; (word = strsep(&rest, " "));) {
        int32_t line = IDENTITY_NO_LINE;
        char *plus = strchr(word, '+'), *colon = strchr(word, ':');
        const char *module = "prog", *function = word;
        if (plus) {
            line = (int32_t)strtol(plus + 1, NULL, 10);
            *plus = '\0';
        }
        if (colon && colon[1] != ':') {
            *colon = '\0';
            module = word;
            function = colon + 1;
        }
        if (strcmp(function, "?") == 0)
            function = NULL;
        node = identities_push(t, node, identities_frame(t, module, function, line));
    }
    return node;
}

/* The inverse; valid until the next call. */
static inline const char *text_of(const struct identities *t, uint32_t node)
{
    static char text[512];
    text[0] = '\0';
    for (; node != IDENTITY_ROOT; node = identities_node_at(t, node)->parent) {
        const struct identity_frame *f = identities_innermost(t, node);
        char rest[sizeof text], line[16] = "";
        strcpy(rest, text);
        if (f->line != IDENTITY_NO_LINE)
            snprintf(line, sizeof line, "+%d", f->line);
        int n = snprintf(text, sizeof text, "%s%s%s%s%s%.400s",
                         f->module && strcmp(f->module, "prog") == 0 ? ""
                         : f->module                                 ? f->module
                                                                     : "-",
                         f->module && strcmp(f->module, "prog") == 0 ? "" : ":",
                         f->function ? f->function : "?", line, rest[0] ? " " : "", rest);
        assert_true(n < (int)sizeof text);
    }
    return text;
}

#endif
