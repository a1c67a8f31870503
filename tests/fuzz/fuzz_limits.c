/* SPDX-License-Identifier: MIT
 *
 * Files of limits. What is taken must be complete, and what is refused must have a reason that
 * names a line.
 */
#include "fuzz.h"
#include "gate/limits.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES ((size_t)32 << 10)

int fuzz_one(const uint8_t *data, size_t size)
{
    struct limits l = limits_new();
    struct error error = {""};
    char *text = malloc(size + 1);
    if (!text)
        return -1;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    int result = limits_parse(&l, "input", text, &error);
    if (result ? strncmp(error.text, "line ", 5) != 0 : error.text[0] != '\0')
        abort();
    for (size_t i = 0; i < l.n; i++) {
        const struct limit *limit = &l.list[i];
        if (!limit->subject || !limit->kind || !limit->line || limit->most > INT64_MAX ||
            (limit->at && !limit->file))
            abort();
    }
    limits_free(&l);
    free(text);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    (void)data;
    return fuzz_memory_within(size, FIXED_BYTES);
}
