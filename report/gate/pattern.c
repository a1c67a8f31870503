/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <stddef.h>
#include <string.h>

bool pattern_matches(const char *pattern, const char *text)
{
    bool anchored = *pattern == '^', after_star = false;
    if (!text || !*text)
        return false;
    pattern += anchored;
    while (*pattern) {
        if (*pattern == '*') {
            pattern++;
            anchored = false;
            after_star = true;
            continue;
        }
        if (*pattern == '$')
            return after_star || *text == '\0';
        size_t n = strcspn(pattern, "*$"), length = strlen(text);
        const char *found = memmem(text, length, pattern, n);
        if (!found || (anchored && found != text))
            return false;
        text = found + n;
        pattern += n;
        anchored = after_star = false;
    }
    return true;
}
