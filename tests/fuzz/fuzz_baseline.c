/* SPDX-License-Identifier: MIT
 *
 * Bytes as a baseline that somebody has committed. What is taken can be written, and is the same
 * again; what is refused has a reason.
 */
#include "baseline.h"
#include "compare.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIZE (64 << 10)
#define FIXED_BYTES ((size_t)80 << 10)

/* The set in the SIZE bytes at TEXT; NULL: refused, with the reason in ERROR. */
static struct stackset *read_set(struct identities *identities, const char *text, size_t size,
                                 struct error *error)
{
    struct stackset *s = stackset_new("fuzz", identities);
    struct input *in = input_memory(text, size);
    int result = baseline_read(s, in, error);
    input_close(in);
    if (result == 0) {
        stackset_sort(s);
        return s;
    }
    stackset_free(s);
    return NULL;
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct identities *identities = identities_new();
    struct stackset *s =
        size <= MAX_SIZE ? read_set(identities, (const char *)data, size, &error) : NULL;
    if (size <= MAX_SIZE && !s != (error.text[0] != '\0'))
        abort();
    if (s) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        if (!out)
            abort();
        baseline_write(out, s);
        fclose(out);
        struct stackset *again = read_set(identities, text, length, &error);
        if (!again || again->n != s->n)
            abort();
        stackset_free(again);
        stackset_free(s);
        free(text);
    }
    identities_free(identities);
    return 0;
}

size_t fuzz_memory(const uint8_t *data, size_t size)
{
    return fuzz_memory_of_json(data, size, FIXED_BYTES);
}
