/* SPDX-License-Identifier: MIT
 *
 * Lines as the words of a command line. What the parser takes must be complete, and what it
 * refuses must have a reason of one line.
 */
#include "fuzz.h"
#include "options.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 64

#define FIXED_BYTES ((size_t)16 << 10)

static char program[] = "memprof-report";

/* Splits TEXT at its newlines. */
static int split(char *text, char **argv)
{
    int argc = 0;
    argv[argc++] = program;
    for (char *word = text; word && argc < MAX_WORDS;) {
        char *end = strchr(word, '\n');
        argv[argc++] = word;
        if (end)
            *end++ = '\0';
        word = end && *end ? end : NULL;
    }
    argv[argc] = NULL;
    return argc;
}

int fuzz_one(const uint8_t *data, size_t size)
{
    char *argv[MAX_WORDS + 1];
    struct options options;
    struct error error = {""};
    char *text = malloc(size + 1);
    if (!text)
        return -1;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    int argc = size ? split(text, argv) : 0;
    if (argc) {
        int result = options_parse(&options, argc, argv, &error);
        bool complete = options.action != ACTION_REPORT ||
                        (options.verb && options.ndumps && options.format && options.unit);
        if (result ? error.text[0] == '\0' : !complete)
            abort();
        options_drop(&options);
    }
    free(text);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
