/* SPDX-License-Identifier: MIT
 *
 * Files of suppressions, and the patterns in them. What is taken must be complete, what is refused
 * must have a reason that names a line, and no pattern may run away.
 */
#include "fuzz.h"
#include "gate/suppressions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES ((size_t)32 << 10)

static void check_entry(const struct suppression *s)
{
    static const char name[] = "std::vector<int*>::push_back(int* const&) aaaaaaaaaaaaaaaaaaaaab";
    bool complete = s->pattern && *s->pattern && s->origin && s->line && s->names;
    if (!complete || (s->expired && !s->expires))
        abort();
    bool matches = suppression_matches(s, name, NULL, NULL);
    if (matches && !(s->names & SUPPRESS_FUNCTION))
        abort();
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct suppressions s = suppressions_new();
    struct error error = {""};
    char *text = malloc(size + 1);
    if (!text)
        return -1;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    int result = suppressions_parse(&s, "input", text, "2026-06-15", &error);
    if (result ? strncmp(error.text, "line ", 5) != 0 : error.text[0] != '\0')
        abort();
    for (size_t i = 0; i < s.n; i++)
        check_entry(&s.list[i]);
    suppressions_free(&s);
    free(text);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
